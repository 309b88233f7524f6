package client_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/client"
)

// What the person's browser gets, and what other pages get that guess.
func TestRedirectPages(t *testing.T) {
	for _, tt := range []struct {
		name         string
		method       string
		change       func(url.Values)
		raw          string // more of the query
		status       int
		text         string
		ends         bool // the login
		withoutLogin bool
	}{
		{name: "the answer", status: 200, text: "You have logged in", ends: true},
		{name: "a refusal", change: func(v url.Values) { v.Set("error", "access_denied") }, status: 200, text: "The login failed", ends: true},
		{name: "another issuer", change: func(v url.Values) { v.Set("iss", "https://evil.example.com") }, status: 200, text: "The login failed", ends: true},
		{name: "a POST", method: "POST", status: 405, text: "Method not allowed"},
		{name: "another state", change: func(v url.Values) { v.Set("state", "x") }, status: 400, text: "another login"},
		{name: "no state", change: func(v url.Values) { v.Del("state") }, status: 400, text: "another login"},
		{name: "a malformed query", raw: "&a=%zz", status: 400, text: "another login"},
		{name: "before a login", status: 400, text: "another login", withoutLogin: true},
		{name: "before a login, without a state", change: func(v url.Values) { v.Del("state") }, status: 400, text: "another login", withoutLogin: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			c := w.config()
			var login *client.Login
			var got *httptest.ResponseRecorder
			visit := func(page string) {
				u, err := url.Parse(page)
				if err != nil {
					t.Fatal(err)
				}
				answer := url.Values{"code": {"a"}, "state": {u.Query().Get("state")}, "iss": {theLogin}}
				if tt.change != nil {
					tt.change(answer)
				}
				method := "GET"
				if tt.method != "" {
					method = tt.method
				}
				got = httptest.NewRecorder()
				login.ServeHTTP(got, httptest.NewRequest(method, theApp+"?"+answer.Encode()+tt.raw, nil))
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c.Open = func(_ context.Context, page string) error {
				visit(page)
				if !tt.ends {
					cancel()
				}
				return nil
			}
			var want client.Want
			login, want = w.source(c)
			if tt.withoutLogin {
				visit(theLogin)
			} else if _, err := login.Token(ctx, want); err == nil { // the code is not good in any case
				t.Error("no error")
			}
			if got.Code != tt.status || !strings.Contains(got.Body.String(), tt.text) {
				t.Errorf("%d %s", got.Code, got.Body)
			}
			h := got.Header()
			if h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("X-Content-Type-Options") != "nosniff" ||
				!strings.HasPrefix(h.Get("Content-Type"), "text/plain") || (h.Get("Allow") == "GET") != (tt.status == 405) {
				t.Errorf("header %v", h)
			}
		})
	}
}

// The first answer counts.
func TestSecondAnswer(t *testing.T) {
	w := newWorld(t)
	c := w.config()
	c.Open = func(ctx context.Context, page string) error {
		if err := w.browse(ctx, page); err != nil {
			return err
		}
		return w.browse(ctx, page) // a person who opens the page twice
	}
	if got, err := w.call(w.start(c), "GET", "/orders"); err != nil || got != "orders:read" {
		t.Errorf("%q, %v", got, err)
	}
}

// A fixed port, and its path. A program cannot listen where another one does.
func TestRedirectPort(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := busy.Addr().String()
	w := newWorld(t)
	c := w.config()
	c.RedirectURL = "http://" + address + "/back/here"
	api := w.start(c)
	if _, err := w.call(api, "GET", "/orders"); err == nil || !strings.Contains(err.Error(), "cannot listen at "+address) {
		t.Errorf("the port is in use: %v", err)
	}
	busy.Close()
	w = newWorld(t)
	c.Open, c.Discovery.HTTP = w.browse, w.http()
	if got, err := w.call(w.start(c), "GET", "/orders"); err != nil || got != "orders:read" || w.pages[0].Get("redirect_uri") != c.RedirectURL {
		t.Errorf("%q, %v, %v", got, err, w.pages)
	}
}

// A second login comes back to the same port, for which the client is registered. If
// that is in use, it registers again.
func TestRegistrationIsForAPort(t *testing.T) {
	w := newWorld(t)
	var registered []map[string]any
	w.serve("login.example.com", "POST /register", func(rw http.ResponseWriter, r *http.Request) {
		var m map[string]any
		if body, err := io.ReadAll(r.Body); err != nil || json.Unmarshal(body, &m) != nil {
			t.Error(err)
		}
		registered = append(registered, m)
		m["client_id"] = "registered"
		writeJSON(rw, 201, m)
	})
	c := w.config()
	c.RedirectURL = ""
	login, want := w.source(c)
	again := func() string {
		t.Helper()
		w.refresh = ""
		token, err := login.Token(t.Context(), want)
		if err != nil {
			t.Fatal(err)
		}
		want.Refused = token.AccessToken
		return w.pages[len(w.pages)-1].Get("redirect_uri")
	}
	first := again()
	if second := again(); second != first || len(registered) != 1 {
		t.Errorf("%s and then %s, %d registrations", first, second, len(registered))
	}
	u, err := url.Parse(first)
	if err != nil {
		t.Fatal(err)
	}
	busy, err := net.Listen("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	if third := again(); third == first || len(registered) != 2 {
		t.Errorf("%s again, %d registrations", third, len(registered))
	}
	if m := registered[0]; m["application_type"] != "native" || m["client_name"] != "test" || m["token_endpoint_auth_method"] != "none" || m["dpop_bound_access_tokens"] != nil {
		t.Errorf("registered as %v", m)
	}
}

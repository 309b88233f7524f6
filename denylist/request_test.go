package denylist_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/denylist"
	"github.com/bearerkit/bearerkit/jwks"
)

// receiverFor returns a receiver that fetches the keys of an issuer.
func receiverFor(t testing.TB, issuer *bearertest.Issuer, s *site) *denylist.Receiver {
	t.Helper()
	verifier, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{audience}}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(verifier.Close)
	receiver, err := denylist.NewReceiver(denylist.ReceiverConfig{
		Verifier: verifier, List: s.list, Audience: []string{client}, MaxTokenLife: time.Hour,
		Logger: slog.New(slog.NewTextHandler(s.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return receiver
}

// SE3, BCL5, Back-Channel Logout, Section 2.5; RFC 8935, Section 2.1: requests that
// carry no event.
func TestRequests(t *testing.T) {
	s := newSite(t, func(c *denylist.ReceiverConfig) { c.List = neverChanged{t} })
	const form, set = "application/x-www-form-urlencoded", "application/secevent+jwt"
	token := s.logoutToken(members{"sid": "s-1"})
	body := url.Values{"logout_token": {token}}.Encode()
	withMethod := func(method string) *http.Request {
		r := request(form, body)
		r.Method = method
		return r
	}
	inQuery := request(form, "")
	inQuery.URL.RawQuery = body
	twoTypes := request(form, body)
	twoTypes.Header.Add("Content-Type", set)
	noType := request("", body)
	noType.Header.Del("Content-Type")
	broken := request(form, "")
	broken.Body = io.NopCloser(io.MultiReader(strings.NewReader(body), failingReader{}))
	tests := []struct {
		name    string
		request *http.Request
		status  int
		body    string
		check   string
	}{
		{"GET", withMethod("GET"), 405, "", "method"},
		{"PUT", withMethod("PUT"), 405, "", "method"},
		{"no content type", noType, 415, "", `"content type"`},
		{"two content types", twoTypes, 415, "", `"content type"`},
		{"JSON", request("application/json", "{}"), 415, "", `"content type"`},
		{"a JWT", request("application/jwt", token), 415, "", `"content type"`},
		{"a malformed content type", request("application/secevent+jwt; a", token), 415, "", `"content type"`},
		{"the token in the query", inQuery, 400, malformedToken, "body"},
		{"no token", request(form, "a=b"), 400, malformedToken, "body"},
		{"two tokens", request(form, body+"&"+body), 400, malformedToken, "body"},
		{"a malformed form", request(form, body+"&%zz"), 400, malformedToken, "body"},
		{"a body that ends early", broken, 400, malformedToken, "body"},
		{"a large form", request(form, body+"&a="+strings.Repeat("a", 64<<10)), 413, "", "body"},
		{"a large token", request(set, strings.Repeat("a", 64<<10+1)), 413, "", "body"},
		{"64 KiB of dots", request(set, strings.Repeat(".", 64<<10)), 400, strings.NewReplacer("error_description", "description", `"error"`, `"err"`).Replace(malformedToken), "form"},
	}
	for _, tt := range tests {
		w := s.do(tt.request)
		check(t, tt.name, w, tt.status, tt.body)
		if allow := w.Header().Get("Allow"); (allow == "POST") != (tt.status == 405) {
			t.Errorf("%s: Allow is %q", tt.name, allow)
		}
		if accept := w.Header().Get("Accept-Post"); (accept == form+", "+set) != (tt.status == 415) {
			t.Errorf("%s: Accept-Post is %q", tt.name, accept)
		}
		if log := s.logged(t, token); strings.Count(log, "\n") != 1 || !strings.Contains(log, "check="+tt.check+" ") {
			t.Errorf("%s: the log is %s", tt.name, log)
		}
	}
	// Other parameters are ignored (Back-Channel Logout, Section 2.5).
	s = newSite(t, nil)
	token = s.logoutToken(members{"sid": "s-1"})
	r := request(form+"; charset=UTF-8", "a=b&"+url.Values{"logout_token": {token}}.Encode()+"&state=x")
	check(t, "more parameters", s.do(r), 200, "")
	check(t, "a final line break", s.do(request("Application/SecEvent+JWT", s.securityEvent(members{"format": "opaque", "id": "x"}, nil)+"\r\n")), 202, "")
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// says is a verifier of another package.
type says func(token string) (*bearer.SecurityEvent, error)

func (f says) VerifyEvent(_ context.Context, token string) (*bearer.SecurityEvent, error) {
	return f(token)
}

// C16: what nobody classified is 503, and neither the answer nor the log has the
// token, even if a verifier puts it into an error.
func TestErrorsOfOtherVerifiers(t *testing.T) {
	token := strings.Repeat("secret", 10)
	for name, tt := range map[string]struct {
		err    error
		status int
	}{
		"an error":              {errors.New("cannot verify " + token), 503},
		"unrecognized":          {bearer.ErrUnrecognized, 400},
		"a refusal":             {bearer.Invalid("x", token, token), 400},
		"an outage":             {bearer.Unavailable(errors.New(token), 7*time.Second+1), 503},
		"a forbidden event":     {bearer.Forbid(token), 503},
		"the end of a request":  {context.Canceled, 503},
		"a wrapped refusal":     {errors.Join(bearer.Invalid("x", token, token)), 400},
		"a claimed other event": {bearer.Unrecognized("iss", token, token), 400},
	} {
		s := newSite(t, func(c *denylist.ReceiverConfig) {
			c.List, c.Verifier = neverChanged{t}, says(func(string) (*bearer.SecurityEvent, error) { return nil, tt.err })
		})
		for _, w := range []*httptest.ResponseRecorder{s.post(token), s.push(token)} {
			if w.Code != tt.status || strings.Contains(w.Body.String(), "secret") {
				t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, tt.status)
			}
			if want := map[string]string{"an outage": "8"}[name]; want != "" && w.Header().Get("Retry-After") != want {
				t.Errorf("%s: Retry-After is %s", name, w.Header().Get("Retry-After"))
			}
		}
		if log := s.logged(t, ""); strings.Contains(log, "secretsecret") {
			t.Errorf("%s: the log is %s", name, log)
		}
	}
}

// An issuer that disconnects after its event was verified has signed the user out.
func TestIssuerDisconnects(t *testing.T) {
	ctx, disconnect := context.WithCancel(t.Context())
	list := &failing{after: -1}
	s := newSite(t, func(c *denylist.ReceiverConfig) {
		verifier := c.Verifier
		list.List, c.List = c.List, list
		c.Verifier = says(func(token string) (*bearer.SecurityEvent, error) {
			defer disconnect()
			return verifier.VerifyEvent(t.Context(), token)
		})
	})
	body := url.Values{"logout_token": {s.logoutToken(members{"sid": "s-1"})}}.Encode()
	check(t, "disconnected", s.do(request("application/x-www-form-urlencoded", body).WithContext(ctx)), 200, "")
	if !s.denied(t, bearer.Principal{SessionID: "s-1"}) {
		t.Error("not denied")
	}
}

// The claims of an event come from an issuer, but they may be anything. Each event
// is accepted or refused, with an answer of the right form.
func FuzzClaimsOfEvents(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `{"events":7}`, `{"events":{"` + backChannelLogout + `":{}},"sid":"s"}`, `{"events":{"` + backChannelLogout + `":{}},"sub":"a","nonce":null}`,
		`{"events":{"` + sessionRevoked + `":{"event_timestamp":1e3}},"sub_id":{"format":"opaque","id":"s"}}`,
		`{"events":{"` + sessionRevoked + `":{}},"sub_id":{"format":"complex","session":{"format":"jwt_id","iss":"i","jti":"j"},"user":{"format":"iss_sub","iss":"i","sub":"a"}}}`,
		`{"events":{"` + sessionRevoked + `":{"subject":{"format":"complex"}}},"toe":"x"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, claims string) {
		for _, typ := range []string{"logout+jwt", "secevent+jwt"} {
			now, log := time.Now(), new(bytes.Buffer)
			receiver, err := denylist.NewReceiver(denylist.ReceiverConfig{
				List: newMemory(t, denylist.MemoryConfig{}), Audience: []string{client}, MaxTokenLife: time.Hour,
				Logger: slog.New(slog.NewTextHandler(log, nil)),
				Verifier: says(func(string) (*bearer.SecurityEvent, error) {
					return &bearer.SecurityEvent{Type: typ, Issuer: "i", TokenID: "j", Audience: []string{client}, IssuedAt: now, Expires: now.Add(time.Minute), Claims: claims}, nil
				}),
			})
			if err != nil {
				t.Fatal(err)
			}
			r, success := request("application/x-www-form-urlencoded", "logout_token=x"), 200
			if typ == "secevent+jwt" {
				r, success = request("application/secevent+jwt", "x"), 202
			}
			w := httptest.NewRecorder()
			receiver.ServeHTTP(w, r)
			var body map[string]string
			switch {
			case w.Code == 400:
				if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || len(body) != 2 {
					t.Errorf("%s: %v", w.Body, err)
				}
			case w.Code != success || w.Body.Len() > 0:
				t.Errorf("%d %s", w.Code, w.Body)
			case !strings.Contains(log.String(), "result="):
				t.Errorf("the log is %s", log)
			}
		}
	})
}

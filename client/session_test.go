package client_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/client"
)

// saved logs in once and returns the session.
func saved(t *testing.T, w *world, c client.LoginConfig) (session []byte) {
	t.Helper()
	c.Save = func(s []byte) { session = s }
	if _, err := w.call(w.start(c), "GET", "/orders"); err != nil || len(session) == 0 {
		t.Fatalf("session %q, %v", session, err)
	}
	return session
}

// A later program refreshes without a login, a registration or a discovery.
func TestSession(t *testing.T) {
	w := newWorld(t)
	c := w.config()
	c.Session = saved(t, w, c)
	before := len(w.requests)
	var again []byte
	c.Save = func(s []byte) { again = s }
	if got, err := w.call(w.start(c), "GET", "/orders"); err != nil || got != "orders:read" || len(w.pages) != 1 {
		t.Fatalf("%q, %v, after %d logins", got, err, len(w.pages))
	}
	if made := w.requests[before:]; len(made) != 2 { // the refresh, and the call
		t.Errorf("requests %q", made)
	}
	if !strings.Contains(string(again), "refresh-2") || strings.Contains(string(again), "token-2") {
		t.Errorf("the new session is %s; want the new refresh token, and no access token", again)
	}

	// The server has ended the session: nil is saved, and the person logs in.
	c.Session, w.refresh = again, ""
	var calls [][]byte
	c.Save = func(s []byte) { calls = append(calls, s) }
	if _, err := w.call(w.start(c), "GET", "/orders"); err != nil || len(w.pages) != 2 {
		t.Fatalf("%v, after %d logins", err, len(w.pages))
	}
	if len(calls) != 2 || calls[0] != nil || len(calls[1]) == 0 {
		t.Errorf("saved %q", calls)
	}
}

// A session is of no use for another client or another server, so nothing of it is
// sent to them.
func TestSessionOfAnotherLogin(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(c *client.LoginConfig)
	}{
		{"another client", func(c *client.LoginConfig) { c.ClientID = "other" }},
		{"another server", func(c *client.LoginConfig) {
			c.Discovery.Issuers = []string{"https://other.example.com", theLogin + "/"}
		}},
	} {
		w := newWorld(t)
		c := w.config()
		c.Session = saved(t, w, c)
		tt.change(&c)
		w.call(w.start(c), "GET", "/orders") // may fail
		for _, form := range w.forms {
			if form.Get("grant_type") == "refresh_token" {
				t.Errorf("%s: the refresh token is sent", tt.name)
			}
		}
	}
}

// A client that was registered in advance has its secret in the configuration, not in
// the session.
func TestSessionOfAKnownClient(t *testing.T) {
	for name, change := range map[string]func(c *client.LoginConfig){
		"an ID":      func(c *client.LoginConfig) { c.ClientID, c.ClientSecret = "app", "top-secret" },
		"a document": func(c *client.LoginConfig) { c.ClientMetadataURL = "https://app.example.com/client.json" },
	} {
		w := newWorld(t)
		w.metadata["client_id_metadata_document_supported"] = true
		c := w.config()
		c.Discovery.Issuers = []string{theLogin}
		change(&c)
		c.Session = saved(t, w, c)
		if strings.Contains(string(c.Session), "top-secret") {
			t.Errorf("%s: the session is %s", name, c.Session)
		}
		if _, err := w.call(w.start(c), "GET", "/orders"); err != nil || len(w.pages) != 1 || w.basic[0] != w.basic[1] {
			t.Errorf("%s: %v, after %d logins, authentication %q", name, err, len(w.pages), w.basic)
		}
		// Another client does not use it.
		c.ClientID, c.ClientSecret, c.ClientMetadataURL = "other", "", ""
		before := len(w.forms)
		w.call(w.start(c), "GET", "/orders")
		for _, form := range w.forms[before:] {
			if form.Has("refresh_token") {
				t.Errorf("%s: another client sends %v", name, form)
			}
		}
	}
}

// A session whose client authenticated by a key that is not configured any more is of no
// use. The person logs in; the program is not stuck.
func TestSessionOfAnotherKey(t *testing.T) {
	w := newWorld(t)
	c := w.config()
	c.ClientID, c.Discovery.Issuers = "app", []string{theLogin}
	for _, method := range []string{"private_key_jwt", "client_secret_basic", "client_secret_jwt", ""} {
		c.Session = regexp.MustCompile(`"token_endpoint_auth_method":"[^"]*"`).ReplaceAll(saved(t, w, c), []byte(`"token_endpoint_auth_method":"`+method+`"`))
		before := len(w.pages)
		if _, err := w.call(w.start(c), "GET", "/orders"); err != nil || len(w.pages) != before+1 {
			t.Errorf("%s: %v, after %d logins", method, err, len(w.pages)-before)
		}
		c.Session = nil
	}
}

// A session of a Login with another redirect URL does not choose where this one listens.
func TestSessionOfAnotherRedirect(t *testing.T) {
	w := newWorld(t)
	c := w.config()
	c.RedirectURL = ""
	c.Session = []byte(strings.ReplaceAll(string(saved(t, w, c)), "127.0.0.1", "127.0.0.2"))
	w.refresh = "" // the person must log in
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	login, want := w.source(c)
	if _, err := login.Token(ctx, want); err != nil || len(w.pages) != 2 || !strings.HasPrefix(w.pages[1].Get("redirect_uri"), "http://127.0.0.1:") {
		t.Errorf("%v, logins %v", err, w.pages)
	}
}

// The registration in a session expires.
func TestSessionExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.serve("login.example.com", "POST /register", func(rw http.ResponseWriter, _ *http.Request) {
			writeJSON(rw, 201, map[string]any{"client_id": "registered", "client_secret": "s", "client_secret_expires_at": time.Now().Add(time.Hour).Unix()})
		})
		c := w.config()
		c.Session = saved(t, w, c)
		<-time.After(2 * time.Hour)
		if _, err := w.call(w.start(c), "GET", "/orders"); err != nil || len(w.pages) != 2 {
			t.Errorf("%v, after %d logins", err, len(w.pages))
		}
	})
}

// A session of another API is ignored: the person logs in at this one.
func TestSessionOfAnotherAPI(t *testing.T) {
	w := newWorld(t)
	c := w.config()
	c.Session = []byte(strings.Replace(string(saved(t, w, c)), theAPI, "https://other.example.com", 1))
	if _, err := w.call(w.start(c), "GET", "/orders"); err != nil || len(w.pages) != 2 {
		t.Errorf("%v, after %d logins", err, len(w.pages))
	}
}

func TestMalformedSession(t *testing.T) {
	w := newWorld(t)
	c := w.config()
	good := string(saved(t, w, c))
	for _, member := range []string{"api", "token_endpoint", "client_id", "refresh_token"} {
		c.Session = regexp.MustCompile(`"`+member+`":"[^"]*"`).ReplaceAll([]byte(good), []byte(`"`+member+`":""`))
		if _, err := client.NewLogin(c); err == nil || !strings.Contains(err.Error(), "LoginConfig.Session") {
			t.Errorf("without %s: %v", member, err)
		}
	}
	for _, session := range []string{
		"x", "{}", strings.Repeat("[", 1000), strings.Replace(good, theLogin+"/token", "http://login.example.com/token", 1),
		strings.Replace(good, `"scope":"orders:read"`, `"scope":"a\"b"`, 1), good + good,
	} {
		c.Session = []byte(session)
		if _, err := client.NewLogin(c); err == nil || !strings.Contains(err.Error(), "LoginConfig.Session") || strings.Contains(err.Error(), "refresh-1") {
			t.Errorf("%.50q: error %v", session, err)
		}
	}
}

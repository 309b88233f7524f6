package dev_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/dev"
	"github.com/bearerkit/bearerkit/jwks"
)

// relyingParty is a client that receives logout tokens.
type relyingParty struct {
	*httptest.Server
	tokens chan string
}

func newRelyingParty(t *testing.T, status int) relyingParty {
	t.Helper()
	p := relyingParty{tokens: make(chan string, 8)}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.tokens <- r.PostFormValue("logout_token")
		w.WriteHeader(status)
	}))
	t.Cleanup(p.Close)
	return p
}

const afterLogout = "http://127.0.0.1:7/bye"

func logoutConfig(p relyingParty) dev.Config {
	return dev.Config{Clients: []dev.Client{
		{ID: "app", AnyLoopback: true, BackchannelLogoutURI: p.URL}, {ID: "service", Secret: "secret"},
		{ID: "web", RedirectURIs: []string{callback}, PostLogoutRedirectURIs: []string{afterLogout}},
	}}
}

// The end of a session ends its tokens, and tells its clients by a logout token that
// bearerkit accepts.
func TestEndSession(t *testing.T) {
	p := newRelyingParty(t, http.StatusOK)
	s := start(t, logoutConfig(p))
	b := s.browser(t)
	got := s.redeem(t, b.signIn(t, authorization(), "alice"))
	sid := claimsOf(t, got.get("id_token"))["sid"]
	back := b.open(t, "/end_session?"+url.Values{"id_token_hint": {got.get("id_token")}, "post_logout_redirect_uri": {afterLogout}, "state": {"s2"}}.Encode()).back(t, afterLogout)
	if back.Get("state") != "s2" {
		t.Errorf("back with %v", back)
	}
	v, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: s.url, Audience: []string{"app"}}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	event, err := v.VerifyEvent(t.Context(), <-p.tokens)
	if err != nil || event == nil {
		t.Fatalf("the logout token: %v", err)
	}
	if want := fmt.Sprintf(`"sid":"%s"`, sid); !strings.Contains(event.Claims, want) || !strings.Contains(event.Claims, `"sub":"alice"`) {
		t.Errorf("the logout token has %s; want %s", event.Claims, want)
	}
	if s.active(t, got.get("access_token")) {
		t.Error("the access token is still active")
	}
	refusedWith(t, s.post(t, "/token", values("grant_type", "refresh_token", "client_id", "app", "refresh_token", got.get("refresh_token"))), 400, "invalid_grant")
	if again := b.open(t, authorization("prompt", "none")).back(t, callback); again.Get("error") != "login_required" {
		t.Errorf("the session goes on: %v", again)
	}
}

// Without an ID token the user confirms. A redirect URI must be the client's.
func TestEndSessionAsks(t *testing.T) {
	p := newRelyingParty(t, http.StatusOK)
	s := start(t, logoutConfig(p))
	b := s.browser(t)
	got := s.redeem(t, b.signIn(t, authorization(), "alice"))
	for _, query := range []string{
		"post_logout_redirect_uri=" + url.QueryEscape(afterLogout),
		"client_id=web&post_logout_redirect_uri=" + url.QueryEscape(afterLogout+"/x"),
		"client_id=web&id_token_hint=" + got.get("id_token"),
		"client_id=nobody", "state=a&state=b",
	} {
		if a := b.open(t, "/end_session?"+query); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d", query, a.status)
		}
	}
	page := b.open(t, "/end_session?client_id=web&id_token_hint="+got.get("access_token")+"&post_logout_redirect_uri="+url.QueryEscape(afterLogout))
	if page.status != http.StatusOK || !s.active(t, got.get("access_token")) {
		t.Fatalf("without an ID token: %d", page.status)
	}
	b.submit(t, page, values()).back(t, afterLogout)
	if s.active(t, got.get("access_token")) {
		t.Error("the access token is still active")
	}
	if token := <-p.tokens; strings.Count(token, ".") != 2 {
		t.Error("no logout token")
	}
	if a := b.submit(t, b.open(t, "/end_session"), values()); !strings.Contains(a.text, "Signed out") {
		t.Errorf("%d %s", a.status, a.text)
	}
}

package dev_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/dev"
)

// The pages have a policy that allows their own style and form alone.
func TestPagesAreSafe(t *testing.T) {
	s := start(t, dev.Config{Clients: []dev.Client{{ID: "app", RedirectURIs: []string{callback, "https://app.example.com/cb", "com.example.app:/cb"}}}})
	styles := regexp.MustCompile(`(?s)<style>(.*)</style>`)
	for path, forms := range map[string]string{
		authorization(): "http://127.0.0.1:*",
		authorization("redirect_uri", "https://app.example.com/cb"): "https://app.example.com",
		authorization("redirect_uri", "com.example.app:/cb"):        "com.example.app:",
		"/device": "'self'", "/end_session": "'self'", "/authorize": "'self'",
	} {
		a := s.get(t, path)
		policy := a.header.Get("Content-Security-Policy")
		sum := sha256.Sum256([]byte(styles.FindStringSubmatch(a.text)[1]))
		for _, want := range []string{"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'", forms} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy %q lacks %s", path, policy, want)
			}
		}
		if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Referrer-Policy") != "no-referrer" || !strings.Contains(a.text, `<html lang="en">`) || strings.Contains(a.text, "<script") {
			t.Errorf("%s: %v %s", path, a.header, a.text)
		}
	}
}

// A form is good once, in the browser that got it, and from its own page.
func TestFormsAreProtected(t *testing.T) {
	s := start(t, dev.Config{})
	victim, attacker := s.browser(t), s.browser(t)
	page := attacker.open(t, authorization())
	victim.open(t, authorization()) // has a cookie of its own
	if a := victim.submit(t, page, values("user", "alice")); a.status != http.StatusBadRequest {
		t.Errorf("another browser's form: %d", a.status)
	}
	mine := victim.open(t, authorization())
	secret := secretOf.FindStringSubmatch(mine.text)[1]
	foreign := newRequest(t, http.MethodPost, s.url+"/sign-in", values("form", secret, "user", "alice").Encode(),
		"Content-Type", formType, "Origin", "https://evil.example.com", "Sec-Fetch-Site", "cross-site")
	if a := do(t, victim.client, foreign); a.status != http.StatusBadRequest {
		t.Errorf("from another site: %d", a.status)
	}
	if a := s.post(t, "/sign-in", values("form", secret, "user", "alice")); a.status != http.StatusBadRequest {
		t.Errorf("without a cookie: %d", a.status)
	}
	victim.submit(t, mine, values("user", "alice")).back(t, callback)
	if a := victim.submit(t, mine, values("user", "alice")); a.status != http.StatusBadRequest {
		t.Errorf("again: %d", a.status)
	}
	if a := victim.submit(t, victim.open(t, "/device"), values("user", "alice", "user_code", "")); a.status != http.StatusBadRequest {
		t.Errorf("no code: %d", a.status)
	}
	device := secretOf.FindStringSubmatch(victim.open(t, "/device").text)[1]
	if a := do(t, victim.client, newRequest(t, http.MethodPost, s.url+"/sign-in", values("form", device, "user", "alice").Encode(), "Content-Type", formType)); a.status != http.StatusBadRequest {
		t.Errorf("the form of another page: %d", a.status)
	}
}

// Pages of loopback origins may use the endpoints of browser clients; other pages
// may not.
func TestCORS(t *testing.T) {
	s := start(t, dev.Config{})
	for path, allowed := range map[string]bool{
		"/.well-known/openid-configuration": true, "/.well-known/oauth-authorization-server": true, "/jwks": true, "/token": true, "/register": true, "/userinfo": true,
		"/authorize": false, "/introspect": false, "/end_session": false,
	} {
		for origin, local := range map[string]bool{"http://localhost:5173": true, "http://127.0.0.1:1": true, "https://[::1]:7": true, "https://evil.example.com": false, "http://localhost.evil.example.com": false, "null": false} {
			a := do(t, http.DefaultClient, newRequest(t, http.MethodOptions, s.url+path, "", "Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "dpop"))
			want := ""
			if allowed && local {
				want = origin
			}
			if a.header.Get("Access-Control-Allow-Origin") != want || (a.status == http.StatusNoContent) != (want != "") {
				t.Errorf("%s from %s: %d %v", path, origin, a.status, a.header)
			}
			if want != "" && (!strings.Contains(a.header.Get("Access-Control-Allow-Headers"), "DPoP") || !strings.Contains(a.header.Get("Vary"), "Origin")) {
				t.Errorf("%s: %v", path, a.header)
			}
		}
	}
	a := s.post(t, "/token", values("grant_type", "client_credentials"), "Origin", "http://localhost:5173")
	if a.status != http.StatusOK || a.header.Get("Access-Control-Allow-Origin") != "http://localhost:5173" || !strings.Contains(a.header.Get("Access-Control-Expose-Headers"), "DPoP-Nonce") {
		t.Errorf("%d %v", a.status, a.header)
	}
}

// A page that makes its name resolve to this machine gets nothing.
func TestLocalOnly(t *testing.T) {
	s := start(t, dev.Config{})
	for _, path := range []string{"/jwks", "/authorize", "/.well-known/openid-configuration", dev.TriggerPath, "/nowhere"} {
		r := newRequest(t, http.MethodGet, s.url+path, "", dev.TriggerHeader, "1")
		r.Host = "evil.example.com"
		if a := do(t, http.DefaultClient, r); a.status != http.StatusMisdirectedRequest {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	if log := s.entries(); len(log) != 5 || log[0].Line() != "GET /jwks 421" {
		t.Errorf("the log does not say it: %+v", log)
	}
}

// The log has no token, no code, and nothing that an unknown client sends.
func TestLog(t *testing.T) {
	s := start(t, dev.Config{})
	b := s.browser(t)
	code := b.signIn(t, authorization("state", "the-state"), "alice")
	got := s.redeem(t, code)
	s.post(t, "/token", values("grant_type", "refresh_token", "client_id", "app", "refresh_token", "x"))
	s.post(t, "/token", values("grant_type", "client_credentials", "client_id", "secret-client"))
	s.get(t, "/nowhere/"+got.get("access_token"))
	var lines []string
	for _, e := range s.entries() {
		lines = append(lines, e.Line())
	}
	text := strings.Join(lines, "\n")
	want := `GET /authorize 200 client=app
POST /sign-in 303 client=app user=alice
POST /token 200 client=app user=alice
POST /token 400 client=app error=invalid_grant
POST /token 401 error=invalid_client
GET (no such endpoint) 404`
	if text != want {
		t.Errorf("log:\n%s\nwant:\n%s", text, want)
	}
	for _, secret := range []string{code, got.get("access_token"), got.get("refresh_token"), "secret-client", "the-state"} {
		if strings.Contains(fmt.Sprintf("%+v", s.entries()), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}

package dev_test

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/dev"
	"github.com/bearerkit/bearerkit/jwks"
)

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// A user signs in with one click, and the API accepts the token. The ID token is for
// the client.
func TestCode(t *testing.T) {
	s := start(t, dev.Config{})
	b := s.browser(t)
	page := b.open(t, authorization("nonce", "n1", "acr_values", "urn:example:mfa other", "scope", "openid profile email orders:read"))
	for _, want := range []string{"Continue as alice", "roles: admin", "Continue as bob", "urn:example:mfa"} {
		if !strings.Contains(page.text, want) {
			t.Errorf("the login page lacks %q: %s", want, page.text)
		}
	}
	back := b.submit(t, page, values("user", "alice")).back(t, callback)
	if back.Get("iss") != s.url || back.Get("state") != "s1" { // RFC 9207
		t.Errorf("back with %v", back)
	}
	got := s.redeem(t, back.Get("code"))
	if got.status != http.StatusOK || got.get("token_type") != "Bearer" || got.header.Get("Cache-Control") != "no-store" ||
		len(strings.Fields(got.get("scope"))) != 4 || got.get("refresh_token") == "" {
		t.Fatalf("%d %v", got.status, got.body)
	}
	p, err := verify(t, api(s.url), got.get("access_token"))
	if err != nil {
		t.Fatal(err)
	}
	if p.Subject != "alice" || p.ClientID != "app" || p.ACR != "urn:example:mfa" || !p.HasRole("admin") || p.SessionID == "" || p.AuthTime.IsZero() || p.IsClient() {
		t.Errorf("principal %+v", p)
	}
	id := claimsOf(t, got.get("id_token"))
	if id["aud"] != "app" || id["nonce"] != "n1" || id["sub"] != "alice" || id["acr"] != "urn:example:mfa" || id["sid"] != p.SessionID ||
		id["name"] != "Alice" || id["email"] != "alice@example.com" || id["iss"] != s.url {
		t.Errorf("ID token %v", id)
	}
	sum := sha256.Sum256([]byte(got.get("access_token")))
	if id["at_hash"] != base64.RawURLEncoding.EncodeToString(sum[:16]) { // OpenID Connect Core, Section 3.1.3.6
		t.Errorf("at_hash %v", id["at_hash"])
	}
	if _, err := verify(t, jwks.Issuer{URL: s.url, Audience: []string{"app"}}, got.get("id_token")); err == nil {
		t.Error("an API accepts the ID token")
	}
	info := s.get(t, "/userinfo", "Authorization", "Bearer "+got.get("access_token"))
	if info.status != http.StatusOK || info.get("sub") != "alice" || info.get("preferred_username") != "alice" {
		t.Errorf("userinfo: %d %s", info.status, info.text)
	}
}

// Mistakes in the client or the redirect URI are told to the user, and never sent to
// the URI.
func TestDestinationRefused(t *testing.T) {
	s := start(t, dev.Config{Clients: []dev.Client{{ID: "app", RedirectURIs: []string{
		"http://127.0.0.1:7/callback", "https://app.example.com/cb?a=b", "com.example.app:/cb", "http://[::1]:7/six"}}}})
	for _, uri := range []string{
		"", "http://127.0.0.1:7/callback/", "http://127.0.0.1:7/callback?x=1", "http://127.0.0.1:7/Callback", "http://localhost:7/callback",
		"https://127.0.0.1:7/callback", "https://app.example.com/cb", "https://app.example.com:8443/cb?a=b", "https://evil.example.com/cb?a=b",
		"com.example.app:/other", "http://127.0.0.1:7/callback#f", "http://u@127.0.0.1:7/callback", "http://127.0.0.1.evil.example.com/callback", "javascript:alert(1)",
	} {
		got := s.browser(t).open(t, authorization("redirect_uri", uri))
		if got.status != http.StatusBadRequest || got.header.Get("Location") != "" || !strings.Contains(got.text, "redirect_uri") {
			t.Errorf("%q: %d to %q", uri, got.status, got.header.Get("Location"))
		}
		for _, shown := range []string{cmp.Or(uri, "missing"), "com.example.app:/cb"} { // and what the client has, to compare
			if !strings.Contains(got.text, ">"+html.EscapeString(shown)+"<") {
				t.Errorf("%q: the page does not show %q: %s", uri, shown, got.text)
			}
		}
	}
	for _, uri := range []string{"http://127.0.0.1:7/callback", "http://127.0.0.1:50123/callback", "http://127.0.0.1/callback", "https://app.example.com/cb?a=b", "com.example.app:/cb", "http://[::1]:9/six"} {
		b := s.browser(t)
		if back := b.submit(t, b.open(t, authorization("redirect_uri", uri)), values("user", "bob")).back(t, uri); back.Get("code") == "" {
			t.Errorf("%q: no code in %v", uri, back)
		}
	}
	if got := s.get(t, authorization("client_id", "nobody")); got.status != http.StatusBadRequest || got.header.Get("Location") != "" {
		t.Errorf("an unknown client: %d", got.status)
	}
	if got := s.get(t, authorization()+"&client_id=app"); got.status != http.StatusBadRequest {
		t.Errorf("a parameter twice: %d", got.status)
	}
}

// Other mistakes are sent to the client, with its state and iss.
func TestAuthorizationRefused(t *testing.T) {
	s := start(t, dev.Config{Clients: []dev.Client{
		{ID: "app", AnyLoopback: true, Scope: "openid orders:read"},
		{ID: "device", AnyLoopback: true, Grants: []string{"refresh_token"}},
	}})
	for _, tt := range []struct {
		name string
		more []string
		code string
	}{
		{"no response_type", []string{"response_type", ""}, "invalid_request"},
		{"the implicit grant", []string{"response_type", "token"}, "unsupported_response_type"},
		{"no PKCE", []string{"code_challenge", "", "code_challenge_method", ""}, "invalid_request"},
		{"PKCE plain", []string{"code_challenge", verifier, "code_challenge_method", "plain"}, "invalid_request"},
		{"PKCE without a method, which means plain", []string{"code_challenge_method", ""}, "invalid_request"},
		{"a short challenge", []string{"code_challenge", "short"}, "invalid_request"},
		{"a malformed scope", []string{"scope", `a"b`}, "invalid_scope"},
		{"a scope of other clients", []string{"scope", "admin"}, "invalid_scope"},
		{"a relative resource", []string{"resource", "/api"}, "invalid_target"},
		{"a resource with a fragment", []string{"resource", "https://api.example.com/#x"}, "invalid_target"},
		{"an unknown prompt", []string{"prompt", "create"}, "invalid_request"},
		{"prompt none and login", []string{"prompt", "none login"}, "invalid_request"},
		{"prompt none without a session", []string{"prompt", "none"}, "login_required"},
		{"a negative max_age", []string{"max_age", "-1"}, "invalid_request"},
		{"a fragment", []string{"response_mode", "fragment"}, "invalid_request"},
		{"a request object", []string{"request", "x"}, "request_not_supported"},
		{"a request URI", []string{"request_uri", "urn:x"}, "request_uri_not_supported"},
		{"a client for devices", []string{"client_id", "device"}, "unauthorized_client"},
	} {
		back := s.browser(t).open(t, authorization(tt.more...)).back(t, callback)
		if back.Get("error") != tt.code || back.Get("state") != "s1" || back.Get("iss") != s.url || back.Has("code") {
			t.Errorf("%s: %v; want %s", tt.name, back, tt.code)
		}
	}
	b := s.browser(t)
	if back := b.submit(t, b.open(t, authorization()), values("cancel", "yes")).back(t, callback); back.Get("error") != "access_denied" {
		t.Errorf("canceled: %v", back)
	}
}

func TestCodeRefused(t *testing.T) {
	s := start(t, dev.Config{})
	b := s.browser(t)
	fresh := func() string { return b.signIn(t, authorization(), "alice") }
	code := fresh()
	refusedWith(t, s.redeem(t, code, "code_verifier", verifier+"x"), 400, "invalid_grant")
	refusedWith(t, s.redeem(t, code, "code_verifier", ""), 400, "invalid_request")
	refusedWith(t, s.redeem(t, code, "redirect_uri", callback+"2"), 400, "invalid_grant")
	refusedWith(t, s.redeem(t, code, "redirect_uri", ""), 400, "invalid_grant")
	refusedWith(t, s.redeem(t, code, "code", "unknown"), 400, "invalid_grant")
	refusedWith(t, s.redeem(t, code, "code", ""), 400, "invalid_request")
	refusedWith(t, s.redeem(t, code, "scope", "openid admin"), 400, "invalid_scope")
	refusedWith(t, s.redeem(t, code, "valid_for", "soon"), 400, "invalid_request")
	refusedWith(t, s.redeem(t, code, "client_id", ""), 401, "invalid_client")
	refusedWith(t, s.redeem(t, code, "client_id", "service", "client_secret", "secret"), 400, "invalid_grant")
	if got := s.redeem(t, code); got.status != http.StatusOK {
		t.Fatalf("after the mistakes, which do not use up the code: %d %s", got.status, got.text)
	}
}

// A second use of a code is refused and revokes what the first got (RFC 6749,
// Section 4.1.2), also if both come at the same time.
func TestCodeUsedTwice(t *testing.T) {
	s := start(t, dev.Config{})
	b := s.browser(t)
	code := b.signIn(t, authorization(), "alice")
	first := s.redeem(t, code)
	if !s.active(t, first.get("access_token")) {
		t.Fatal("the token is not active")
	}
	refusedWith(t, s.redeem(t, code), 400, "invalid_grant")
	if s.active(t, first.get("access_token")) {
		t.Error("the access token is still active")
	}
	refusedWith(t, s.post(t, "/token", values("grant_type", "refresh_token", "client_id", "app", "refresh_token", first.get("refresh_token"))), 400, "invalid_grant")

	code = b.signIn(t, authorization(), "alice")
	results := make([]answer, 8)
	var all sync.WaitGroup
	for n := range results {
		all.Go(func() { results[n] = s.redeem(t, code) })
	}
	all.Wait()
	good := 0
	for _, a := range results {
		if a.status == http.StatusOK {
			good++
			if s.active(t, a.get("access_token")) {
				t.Error("a token of a code that was used twice is active")
			}
		}
	}
	if good != 1 {
		t.Errorf("a code was good %d times", good)
	}
}

// active asks the introspection endpoint.
func (s *running) active(t *testing.T, token string) bool {
	t.Helper()
	got := s.post(t, "/introspect", values("token", token), basic("service", "secret")...)
	is, ok := got.body["active"].(bool)
	if !ok {
		t.Fatalf("introspection: %d %s", got.status, got.text)
	}
	return is
}

// A session is enough for prompt=none, unless the client wants a recent or a
// stronger sign-in.
func TestSession(t *testing.T) {
	s := start(t, dev.Config{})
	b := s.browser(t)
	first := claimsOf(t, s.redeem(t, b.signIn(t, authorization(), "alice")).get("id_token"))
	silent := func(more ...string) string {
		back := b.open(t, authorization(append([]string{"prompt", "none"}, more...)...)).back(t, callback)
		if back.Has("error") {
			return back.Get("error")
		}
		again := claimsOf(t, s.redeem(t, back.Get("code")).get("id_token"))
		if again["sid"] != first["sid"] || again["auth_time"] != first["auth_time"] {
			t.Errorf("%v is another session than %v", again, first)
		}
		return again["sub"].(string)
	}
	if got := silent(); got != "alice" {
		t.Errorf("silently: %s", got)
	}
	if got := silent("max_age", "3600"); got != "alice" {
		t.Errorf("with max_age: %s", got)
	}
	if got := silent("max_age", "0"); got != "login_required" {
		t.Errorf("with max_age 0: %s", got)
	}
	if got := silent("acr_values", "urn:example:mfa"); got != "login_required" {
		t.Errorf("with a stronger sign-in: %s", got)
	}
	page := b.open(t, authorization())
	if !strings.Contains(page.text, "signed in") {
		t.Errorf("the page does not say who is signed in: %s", page.text)
	}
	bob := claimsOf(t, s.redeem(t, b.signIn(t, authorization(), "bob")).get("id_token"))
	if bob["sub"] != "bob" || bob["sid"] == first["sid"] {
		t.Errorf("bob: %v", bob)
	}
}

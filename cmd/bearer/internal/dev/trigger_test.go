package dev_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/dev"
)

// trigger sends a command, and returns the states.
func (s *running) trigger(t *testing.T, command string) []dev.State {
	t.Helper()
	method := http.MethodPost
	if command == "" {
		method = http.MethodGet
	}
	a := do(t, s.client(), newRequest(t, method, s.url+dev.TriggerPath, command, dev.TriggerHeader, "1"))
	var states []dev.State
	if err := json.Unmarshal([]byte(a.text), &states); err != nil || a.status != http.StatusOK {
		t.Fatalf("%s: %d %s", command, a.status, a.text)
	}
	return states
}

func TestTriggerKeys(t *testing.T) {
	s := start(t, dev.Config{})
	mint := func() string {
		return s.post(t, "/token", values("grant_type", "client_credentials")).get("access_token")
	}
	token := mint()
	good := func(token string) bool { _, err := verify(t, api(s.url), token); return err == nil }
	s.trigger(t, `{"trigger":"rotate"}`)
	next := mint()
	if !good(token) || !good(next) {
		t.Error("after rotate, a token is refused")
	}
	s.trigger(t, `{"trigger":"withdraw"}`)
	if good(token) || good(next) || !good(mint()) {
		t.Error("after withdraw, an old token is good, or a new one is not")
	}
	for range 4 {
		s.trigger(t, `{"trigger":"rotate"}`)
	}
	if keys := s.trigger(t, "")[0].Keys; len(keys) != 15 {
		t.Errorf("%d keys are published: %q", len(keys), keys)
	}
}

func TestTriggerFaults(t *testing.T) {
	s := start(t, dev.Config{Issuers: []dev.Issuer{{Path: "/staff"}, {Path: "/shop"}}})
	states := s.trigger(t, `{"trigger":"down","issuer":"/staff"}`)
	if states[0].State != "down" || states[1].State != "up" {
		t.Errorf("%+v", states)
	}
	for _, path := range []string{"/staff/jwks", "/staff/token", "/staff/.well-known/openid-configuration", "/staff/authorize", "/.well-known/oauth-authorization-server/staff"} {
		if resp, err := http.Get(s.url + path); err == nil {
			resp.Body.Close()
			t.Errorf("%s answers %d", path, resp.StatusCode)
		}
	}
	if a := s.get(t, "/shop/jwks"); a.status != http.StatusOK {
		t.Errorf("the other issuer: %d", a.status)
	}
	s.trigger(t, `{"trigger":"garbage"}`)
	if a := s.get(t, "/staff/jwks"); a.status != http.StatusOK || a.body != nil || a.header.Get("Content-Type") != "text/html" {
		t.Errorf("garbage: %d %s", a.status, a.text)
	}
	s.trigger(t, `{"trigger":"slow"}`)
	s.trigger(t, `{"trigger":"up"}`)
	if a := s.get(t, "/staff/jwks"); a.status != http.StatusOK || a.body["keys"] == nil {
		t.Errorf("up again: %d %s", a.status, a.text)
	}
}

func TestTriggerRevokeAndLogout(t *testing.T) {
	p := newRelyingParty(t, http.StatusBadRequest)
	s := start(t, logoutConfig(p))
	alice := s.redeem(t, s.browser(t).signIn(t, authorization(), "alice")).get("access_token")
	bob := s.redeem(t, s.browser(t).signIn(t, authorization(), "bob")).get("access_token")
	if now := s.trigger(t, "")[0]; now.Tokens != 2 || strings.Join(now.Sessions, " ") != "alice bob" {
		t.Errorf("%+v", now)
	}
	if now := s.trigger(t, `{"trigger":"revoke","user":"alice"}`)[0]; now.Tokens != 1 || !strings.Contains(now.Did, "revoked 1 access tokens") {
		t.Errorf("%+v", now)
	}
	if s.active(t, alice) || !s.active(t, bob) {
		t.Error("the wrong token is active")
	}
	if now := s.trigger(t, `{"trigger":"logout"}`)[0]; len(now.Sessions) != 0 || !strings.Contains(now.Did, "ended 2 sessions; notices to clients: 0 accepted, 2 failed") {
		t.Errorf("%+v", now)
	}
	if s.active(t, bob) {
		t.Error("a token outlives its session")
	}
}

// A page in a browser cannot use the triggers.
func TestTriggerRefused(t *testing.T) {
	s := start(t, dev.Config{})
	for name, header := range map[string][]string{
		"a form of a page": {"Content-Type", "text/plain"},
		"a page":           {dev.TriggerHeader, "1", "Origin", "http://127.0.0.1:3000"},
	} {
		a := do(t, http.DefaultClient, newRequest(t, http.MethodPost, s.url+dev.TriggerPath, `{"trigger":"down"}`, header...))
		if a.status != http.StatusForbidden || a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	preflight := newRequest(t, http.MethodOptions, s.url+dev.TriggerPath, "", "Origin", "http://127.0.0.1:3000", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "bearer-dev")
	if a := do(t, http.DefaultClient, preflight); a.status != http.StatusForbidden || a.header.Get("Access-Control-Allow-Headers") != "" {
		t.Errorf("a preflight: %d", a.status)
	}
	for _, command := range []string{`{}`, `{"trigger":"explode"}`, `{"trigger":"down","issuer":"/x"}`, `{"trigger":"revoke","user":"carol"}`, `{"trigger":"down","x":1}`, `x`} {
		a := do(t, http.DefaultClient, newRequest(t, http.MethodPost, s.url+dev.TriggerPath, command, dev.TriggerHeader, "1"))
		refusedWith(t, a, 400, "invalid_request")
	}
}

package dev_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/dev"
)

// A device waits until the user has typed its code (RFC 8628).
func TestDevice(t *testing.T) {
	s := start(t, dev.Config{})
	begin := func() answer {
		a := s.post(t, "/device_authorization", values("client_id", "app", "scope", "openid orders:read"))
		if a.status != http.StatusOK || a.get("verification_uri") != s.url+"/device" || a.body["expires_in"] != 600.0 || a.body["interval"] != 5.0 {
			t.Fatalf("%d %s", a.status, a.text)
		}
		return a
	}
	poll := func(started answer, client string) answer {
		return s.post(t, "/token", values("grant_type", "urn:ietf:params:oauth:grant-type:device_code", "client_id", client, "device_code", started.get("device_code")))
	}
	started := begin()
	refusedWith(t, poll(started, "app"), 400, "authorization_pending")
	refusedWith(t, poll(started, "app"), 400, "slow_down")

	b := s.browser(t)
	page := b.open(t, strings.TrimPrefix(started.get("verification_uri_complete"), s.url))
	if !strings.Contains(page.text, `value="`+started.get("user_code")+`"`) {
		t.Errorf("the page does not have the code: %s", page.text)
	}
	if wrong := b.submit(t, page, values("user", "alice", "user_code", "BBBB-BBBB")); wrong.status != http.StatusBadRequest || !strings.Contains(wrong.text, `role="alert"`) {
		t.Errorf("a wrong code: %d %s", wrong.status, wrong.text)
	}
	typed := strings.ToLower(strings.ReplaceAll(started.get("user_code"), "-", " "))
	if done := b.submit(t, b.open(t, "/device"), values("user", "alice", "user_code", typed)); done.status != http.StatusOK || !strings.Contains(done.text, "connected") {
		t.Fatalf("%d %s", done.status, done.text)
	}
	if again := b.submit(t, b.open(t, "/device"), values("user", "bob", "user_code", typed)); again.status != http.StatusBadRequest {
		t.Errorf("the code again: %d", again.status)
	}
	got := poll(started, "app")
	if got.status != http.StatusOK || got.get("refresh_token") == "" || claimsOf(t, got.get("id_token"))["sub"] != "alice" {
		t.Fatalf("%d %s", got.status, got.text)
	}
	if p, err := verify(t, api(s.url), got.get("access_token")); err != nil || p.Subject != "alice" {
		t.Errorf("%v", err)
	}
	refusedWith(t, poll(started, "app"), 400, "invalid_grant")

	refusedWith(t, s.post(t, "/token", values("grant_type", "urn:ietf:params:oauth:grant-type:device_code", "device_code", begin().get("device_code")), basic("service", "secret")...), 400, "invalid_grant")
	denied := begin()
	if a := b.submit(t, b.open(t, "/device"), values("cancel", "yes", "user_code", denied.get("user_code"))); !strings.Contains(a.text, "refused") {
		t.Errorf("%d %s", a.status, a.text)
	}
	refusedWith(t, poll(denied, "app"), 400, "access_denied")
	refusedWith(t, s.post(t, "/device_authorization", values("scope", "x")), 401, "invalid_client")
	refusedWith(t, s.post(t, "/device_authorization", values("client_id", "app", "scope", "\x01")), 400, "invalid_scope")
	refusedWith(t, s.post(t, "/device_authorization", values("client_id", "app", "resource", "x")), 400, "invalid_target")
}

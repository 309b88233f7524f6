package dev_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/dev"
)

// What the server gives out ends in time.
func TestExpiry(t *testing.T) {
	for name, test := range map[string]func(*testing.T, *running, *browser){
		"a code": func(t *testing.T, s *running, b *browser) {
			code := b.signIn(t, authorization(), "alice")
			elapse(61 * time.Second)
			refusedWith(t, s.redeem(t, code), 400, "invalid_grant")
		},
		"a code is used again when it has expired": func(t *testing.T, s *running, b *browser) {
			code := b.signIn(t, authorization(), "alice")
			got := s.redeem(t, code)
			elapse(2 * time.Minute)
			refusedWith(t, s.redeem(t, code), 400, "invalid_grant")
			if s.active(t, got.get("access_token")) {
				t.Error("its token is still active")
			}
		},
		"an access token": func(t *testing.T, s *running, b *browser) {
			token := s.redeem(t, b.signIn(t, authorization(), "alice")).get("access_token")
			elapse(59 * time.Minute)
			if !s.active(t, token) {
				t.Error("not active before its end")
			}
			elapse(time.Minute)
			if s.active(t, token) {
				t.Error("active after its end")
			}
		},
		"a refresh token": func(t *testing.T, s *running, b *browser) {
			token := s.redeem(t, b.signIn(t, authorization(), "alice")).get("refresh_token")
			elapse(24 * time.Hour)
			refusedWith(t, s.post(t, "/token", values("grant_type", "refresh_token", "client_id", "app", "refresh_token", token)), 400, "invalid_grant")
		},
		"a form": func(t *testing.T, _ *running, b *browser) {
			page := b.open(t, authorization())
			elapse(10 * time.Minute)
			if a := b.submit(t, page, values("user", "alice")); a.status != http.StatusBadRequest {
				t.Errorf("%d", a.status)
			}
		},
		"a session": func(t *testing.T, _ *running, b *browser) {
			b.signIn(t, authorization(), "alice")
			elapse(7 * time.Hour)
			if back := b.open(t, authorization("prompt", "none")).back(t, callback); !back.Has("code") {
				t.Errorf("after seven hours: %v", back)
			}
			if back := b.open(t, authorization("prompt", "none", "max_age", "3600")).back(t, callback); back.Get("error") != "login_required" {
				t.Errorf("with max_age: %v", back)
			}
			elapse(time.Hour)
			if back := b.open(t, authorization("prompt", "none")).back(t, callback); back.Get("error") != "login_required" {
				t.Errorf("after eight hours: %v", back)
			}
		},
		"a device code": func(t *testing.T, s *running, _ *browser) {
			started := s.post(t, "/device_authorization", values("client_id", "app"))
			poll := func() answer {
				return s.post(t, "/token", values("grant_type", "urn:ietf:params:oauth:grant-type:device_code", "client_id", "app", "device_code", started.get("device_code")))
			}
			for range 3 {
				refusedWith(t, poll(), 400, "authorization_pending")
				elapse(5 * time.Second)
			}
			elapse(10 * time.Minute)
			refusedWith(t, poll(), 400, "expired_token")
		},
		"a slow issuer": func(t *testing.T, s *running, _ *browser) {
			s.trigger(t, `{"trigger":"slow"}`)
			before := time.Now()
			if a := s.get(t, "/jwks"); a.status != http.StatusOK || time.Since(before) != 3*time.Second {
				t.Errorf("%d after %v", a.status, time.Since(before))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startInBubble(t, dev.Config{})
				test(t, s, s.browser(t))
			})
		})
	}
}

// elapse lets the time of the test's bubble pass.
func elapse(d time.Duration) { <-time.After(d) }

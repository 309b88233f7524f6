package bearer_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
)

// C9: the age has no leeway. F3 of FAPI 2.0: a short life bounds how long a
// revoked JWT stays usable.
func TestMaxTokenAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		tests := []struct {
			name         string
			guard, route time.Duration
			issued       time.Time
			status       int
			got          string
		}{
			{"no limit", 0, 0, now.Add(-1000 * time.Hour), 200, ""},
			{"no limit and no iat", 0, 0, time.Time{}, 200, ""},
			{"within", time.Minute, 0, now.Add(-time.Minute), 200, ""},
			{"beyond", time.Minute, 0, now.Add(-time.Minute - 1), 401, "1m0s ago"},
			{"no iat", time.Minute, 0, time.Time{}, 401, "none"},
			{"ahead, which a leeway may allow", time.Minute, 0, now.Add(5 * time.Second), 200, ""},
			{"a route alone", 0, time.Minute, now.Add(-61 * time.Second), 401, "1m1s ago"},
			{"a stricter route", time.Hour, time.Minute, now.Add(-61 * time.Second), 401, "1m1s ago"},
			{"a laxer route", time.Minute, time.Hour, now.Add(-61 * time.Second), 401, "1m1s ago"},
		}
		for _, tt := range tests {
			var log eventLog
			p := alice
			p.IssuedAt = tt.issued
			rt := newRoute(t, log.config(bearer.Config{
				Verifiers: []bearer.Verifier{bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) { return &p, nil })}, MaxTokenAge: tt.guard,
			}), bearer.RouteConfig{MaxTokenAge: tt.route})
			got := serve(rt, get("Bearer good"))
			if got.status != tt.status || tt.status == 401 && got.challenge() != invalidToken {
				t.Errorf("%s: %d %q, want %d", tt.name, got.status, got.challenge(), tt.status)
			}
			if tt.status == 401 {
				if _, event := log.only(t); event.Check != "iat" || event.Got != tt.got || event.Expected != "issued within 1m0s (MaxTokenAge)" {
					t.Errorf("%s: event %+v", tt.name, event)
				}
			}
		}
	})
}

package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/jwks"
)

// Part 2.4: the verifier remembers 10,000 unknown issuers and forgets the oldest
// first. An issuer that it is told about again takes no second place.
func TestRememberedAnswersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		tenants := newTable(f)
		v := newVerifier(t, tenants.config())
		ask := func(name string, want int64) {
			t.Helper()
			before := tenants.calls.Load()
			unrecognized(t, v, f.forged(name, "1"))
			if n := tenants.calls.Load() - before; n != want {
				t.Errorf("%s: %d calls of Resolve, want %d", name, n, want)
			}
		}
		unknown := func(want int) {
			t.Helper()
			if n := v.Stats().Resolve.Unknown; n != want {
				t.Errorf("%d issuers are remembered as unknown, want %d", n, want)
			}
		}
		ask("first", 1)
		unknown(1)
		elapse(time.Minute)
		unknown(0)
		ask("first", 1)
		for n := range 9_999 {
			ask(fmt.Sprint("junk", n), 1)
		}
		unknown(10_000)
		ask("first", 0)
		ask("more", 1) // forgets first
		unknown(10_000)
		ask("junk0", 0)
		ask("first", 1) // forgets junk0
		ask("junk1", 0)
		ask("junk0", 1)
		unknown(10_000)
	})
}

// C19: a remembered answer is as the first one was. A fault of Resolve is nobody's
// junk, and one of too many new issuers may be.
func TestRememberedAnswersKeepTheirKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		down := errors.New("no route to the table")
		v := newVerifier(t, jwks.Config{
			Client: f.client,
			Resolve: func(_ context.Context, iss string) (jwks.Issuer, error) {
				if iss == f.url("down") {
					return jwks.Issuer{}, down
				}
				return jwks.Issuer{URL: iss, Audience: []string{audience}}, nil
			},
		})
		for n := range 200 { // as many first fetches as are allowed at once
			_, _ = v.Verify(t.Context(), f.forged(fmt.Sprint("known", n), "1"))
		}
		for _, tt := range []struct {
			name    string
			suspect bool
			retry   [2]time.Duration // of the first answer, and of one half a second later
		}{
			{"new", true, [2]time.Duration{time.Second, time.Second}},
			{"down", false, [2]time.Duration{2 * time.Second, 1500 * time.Millisecond}},
		} {
			calls := v.Stats().Resolve.Calls
			var answers [2]*bearer.Error
			for n := range answers {
				answers[n] = unavailable(t, v, f.token(tt.name, "1"))
				if e := answers[n]; e.Suspect != tt.suspect || e.RetryAfter != tt.retry[n] || e.Check != "resolve" {
					t.Errorf("%s: answer %d: suspect %t, retry after %v; want %t, %v", tt.name, n, e.Suspect, e.RetryAfter, tt.suspect, tt.retry[n])
				}
				elapse(time.Second / 2)
			}
			if a, b := answers[0], answers[1]; a.Err.Error() != b.Err.Error() || a.Hint != b.Hint {
				t.Errorf("%s: first %v (%s), then %v (%s)", tt.name, a.Err, a.Hint, b.Err, b.Hint)
			}
			if n := v.Stats().Resolve.Calls - calls; n != 1 {
				t.Errorf("%s: %d calls of Resolve, want 1", tt.name, n)
			}
			if n := v.Stats().Resolve.Unknown; n != 0 {
				t.Errorf("%s: %d issuers count as unknown", tt.name, n)
			}
		}
	})
}

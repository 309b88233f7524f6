package jwks_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/bearerkit/bearerkit/jwks"
)

// A counter never falls, since Prometheus would take that for a restart: not when
// Reconfigure replaces the cache, and not without a cache.
func TestReconfigureKeepsTheCountersOfTheCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		c := jwks.Config{Client: f.client, Issuers: f.issuers("a")}
		v := newVerifier(t, c)
		token := f.token("a", "1")
		accept(t, v, token)
		accept(t, v, token)
		for _, tt := range []struct {
			entries      int
			hits, misses uint64 // after one more token
		}{{2000, 1, 2}, {-1, 1, 2}, {1000, 1, 3}, {1000, 2, 3}} {
			c.CacheEntries = tt.entries
			reconfigure(t, v, c)
			accept(t, v, token)
			if s := v.Stats().Cache; s.Hits != tt.hits || s.Misses != tt.misses {
				t.Errorf("%d entries: %+v, want %d hits and %d misses", tt.entries, s, tt.hits, tt.misses)
			}
		}
	})
}

// A call of Resolve that is under way counts neither as answered nor as failed.
func TestCallsOfResolveUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		fail := make(chan error)
		v := newVerifier(t, jwks.Config{
			Client:  f.client,
			Resolve: func(context.Context, string) (jwks.Issuer, error) { return jwks.Issuer{}, <-fail },
		})
		verdict := verifying(v, f.token("a", "1"))
		synctest.Wait()
		if got, want := v.Stats().Resolve, (jwks.ResolveStats{Calls: 1}); got != want {
			t.Errorf("under way: %+v, want %+v", got, want)
		}
		fail <- errors.New("the directory is down")
		if err := <-verdict; err == nil {
			t.Error("accepted")
		}
		if got, want := v.Stats().Resolve, (jwks.ResolveStats{Calls: 1, Failures: 1}); got != want {
			t.Errorf("failed: %+v, want %+v", got, want)
		}
	})
}

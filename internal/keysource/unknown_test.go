package keysource_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/keysource"
)

// peers.md 7b: for 10,000 unknown keys go-oidc makes 8,894 requests, and
// zitadel 9,911. Checklist 2.4: lookups of known keys remain fast.
func TestUnknownKids(t *testing.T) {
	for _, parallel := range []int{1, 64} {
		t.Run(fmt.Sprintf("10,000, %d at a time", parallel), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := newIssuer("a")
				s := is.warm(t)
				start := time.Now()
				for i := 0; i < 10_000; i += parallel {
					var wg sync.WaitGroup
					wg.Go(func() { wantFound(t, s, "a") })
					for j := range parallel {
						wg.Go(func() { wantUnknown(t, s, fmt.Sprint("junk", i+j)) })
					}
					wg.Wait()
					wantFound(t, s, "a")
				}
				if got := is.count(jwksURL); got >= 10 {
					t.Errorf("%d JWKS requests, want fewer than 10", got)
				}
				wantCount(t, is, metadataURL, 1)
				if took := time.Since(start); took > time.Second {
					t.Errorf("all together took %v, want two answers' time", took)
				}
			})
		})
	}
}

// Checklist 2.4, auth0/jwks-rsa-java#173, and peers.md 7e: with junk every
// second, keyfunc finds the new key after 3m31s and delays junk by a minute.
func TestNewKeyDuringAFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		s := is.warm(t)
		var wg sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if took, err := timed(s, fmt.Sprint("junk", i)); err == nil || took > time.Second {
					t.Errorf("junk: %v after %v, want a refusal within a second", err, took)
				}
				elapse(10 * time.Millisecond)
			}
		})
		elapse(time.Minute)
		for round := range 3 {
			kid := fmt.Sprint("new", round)
			_ = lookup(s, kid) // too early: the key is missing only for a while
			is.publish("a", kid)
			start := time.Now()
			for lookup(s, kid) != nil && time.Since(start) < time.Minute {
				elapse(100 * time.Millisecond)
			}
			if took := time.Since(start); took > 10*time.Second+200*time.Millisecond {
				t.Errorf("a new key was found after %v, want the refresh budget's 10s", took)
			}
			wantFound(t, s, "a")
		}
		cancel()
		wg.Wait()
	})
}

// A burst of two, then one fetch per RefreshBudget. Idle time never saves more
// than the burst.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		is.delay = 0
		s := is.warm(t, func(c *keysource.Config) { c.JWKSURI = jwksURL })
		elapse(66 * time.Second)
		start, n := time.Now(), 0
		for _, tt := range []struct {
			at   time.Duration
			want int // the number of fetches since the start
		}{
			{0, 2}, {2 * time.Second, 2}, {9900 * time.Millisecond, 2}, {19 * time.Second, 3},
			{20 * time.Second, 4}, {29 * time.Second, 4}, {30 * time.Second, 5}, {90 * time.Second, 7},
		} {
			elapse(time.Until(start.Add(tt.at)))
			before := is.count(jwksURL)
			for i := range 10 {
				wantUnknown(t, s, fmt.Sprint("junk", tt.at, i))
			}
			if n += is.count(jwksURL) - before; n != tt.want {
				t.Errorf("after %v: %d fetches, want %d", tt.at, n, tt.want)
			}
		}
	})
}

// A repeated query for a missing key costs no budget, and is forgotten after
// RefreshBudget.
func TestMissingIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		s := is.warm(t)
		for range 1000 {
			wantUnknown(t, s, "later")
		}
		wantCount(t, is, jwksURL, 2)
		is.publish("a", "other")
		if err := lookup(s, "other"); err != nil { // the second fetch of the burst
			t.Errorf("a new key: %v, want it found", err)
		}
		wantCount(t, is, jwksURL, 3)
		is.publish("a", "later")
		elapse(11 * time.Second)
		if err := lookup(s, "later"); err != nil {
			t.Errorf("after 11 s: %v, want the key found", err)
		}
	})
}

// The number of remembered missing keys is bounded, and the oldest is forgotten
// first.
func TestMissingIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		s := is.warm(t)
		for i, err := range herd(t.Context(), s, 1500, func(i int) string { return fmt.Sprint("junk", i) }) {
			if err == nil {
				t.Fatalf("junk %d was found", i)
			}
		}
		if got := is.count(jwksURL); got > 3 {
			t.Errorf("%d JWKS requests, want at most 3", got)
		}
		wantFound(t, s, "a")
	})
}

// Checklist C7a: an unknown key is unavailable while the keys cannot be
// refreshed, even with a spent budget.
func TestUnknownKidDuringAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		s := is.warm(t)
		wantUnknown(t, s, "missing")
		is.all(answer{status: 500})
		for i := range 20 {
			wantUnavailable(t, s, fmt.Sprint("junk", i))
			wantFound(t, s, "a")
		}
		wantUnavailable(t, s, "missing") // remembered as missing, but unavailable for now
		if got := is.count(jwksURL); got > 6 {
			t.Errorf("%d JWKS requests, want at most 6", got)
		}
	})
}

// Checklist 2.4, SS #18196; peers.md 7c: in jwx2 a known key waits for a
// hanging endpoint.
func TestHangingEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		s := is.warm(t)
		is.all(hang)
		for i := range 20 {
			var wg sync.WaitGroup
			wg.Go(func() {
				if took, err := timed(s, fmt.Sprint("junk", i)); !isUnavailable(err) || took > 9*time.Second {
					t.Errorf("unknown key: %v after %v, want an UnavailableError within 9s", err, took)
				}
			})
			for range 20 {
				elapse(100 * time.Millisecond)
				wantFound(t, s, "a")
			}
			wg.Wait()
		}
	})
}

// No lookup waits longer than 9 s in all, not even for two flights.
func TestWaitForTwoFlights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		s := is.warm(t)
		is.delay = 6 * time.Second
		go func() { _ = lookup(s, "first") }()
		elapse(time.Second)
		if took, err := timed(s, "second"); !isUnavailable(err) || took != 9*time.Second {
			t.Errorf("%v after %v, want an UnavailableError after 9s", err, took)
		}
	})
}

// Checklist 2.4: the number of waiters is bounded, since each holds a token and
// its request for up to 9 s while the issuer hangs. Known keys are found
// meanwhile, and the places become free again.
func TestWaitersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		s := is.warm(t)
		is.all(answer{}) // it hangs
		for range 2 {
			var waited, atOnce atomic.Int64
			var wg sync.WaitGroup
			for i := range 10_000 {
				wg.Go(func() {
					took, err := timed(s, fmt.Sprint("junk", i))
					if !isUnavailable(err) {
						t.Errorf("junk: %v, want an UnavailableError", err)
					}
					if took == 0 {
						atOnce.Add(1)
					} else {
						waited.Add(1)
					}
				})
			}
			synctest.Wait()
			wantFound(t, s, "a")
			wg.Wait()
			if waited.Load() != 4096 || atOnce.Load() != 10_000-4096 {
				t.Errorf("%d waited, %d were refused at once, want 4096 and the rest", waited.Load(), atOnce.Load())
			}
			elapse(time.Minute)
		}
	})
}

// A known key with a wrong algorithm never causes a fetch.
func TestWrongAlgorithm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		s := is.warm(t)
		for range 100 {
			if _, err := s.Lookup(t.Context(), keysource.Query{KeyID: "a", HasKeyID: true, Algorithm: jose.RS256}); err == nil || isUnavailable(err) {
				t.Fatalf("Lookup: %v, want ErrKeyAlgorithm", err)
			}
		}
		wantCount(t, is, jwksURL, 1)
	})
}

// peers.md 7b, last column: for 1,000 tokens without a key ID go-oidc makes
// 1,000 requests, and zitadel 983.
func TestMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		s := is.warm(t)
		c, err := s.Lookup(t.Context(), nameless)
		generation := c.Generation
		if err != nil || len(c.Keys) != 1 {
			t.Fatalf("without a key ID: %d keys, %v, want 1", len(c.Keys), err)
		}
		if _, err := s.Missed(t.Context(), generation, nameless); err == nil {
			t.Error("Missed found a key in the same generation")
		}
		is.publish("b")
		c, err = s.Missed(t.Context(), generation, nameless)
		newer := c.Generation
		if err != nil || len(c.Keys) != 1 || newer <= generation {
			t.Errorf("Missed after a rotation: %d keys of generation %d, %v, want 1 of one after %d", len(c.Keys), newer, err, generation)
		}
		// A caller with an old generation gets the new one without a fetch.
		if _, err := s.Missed(t.Context(), generation, nameless); err != nil {
			t.Errorf("Missed with the old generation: %v", err)
		}
		before := is.count(jwksURL)
		for range 1000 {
			if _, err := s.Missed(t.Context(), newer, nameless); err == nil || isUnavailable(err) {
				t.Fatalf("Missed: %v, want ErrUnknownKey", err)
			}
		}
		if got := is.count(jwksURL) - before; got > 2 {
			t.Errorf("1,000 forged tokens made %d JWKS requests, want at most 2", got)
		}
		is.all(answer{status: 500})
		elapse(10 * time.Second)
		if _, err := s.Missed(t.Context(), newer, nameless); !isUnavailable(err) {
			t.Errorf("Missed during an outage: %v, want an UnavailableError", err)
		}
	})
}

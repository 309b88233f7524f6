package introspect_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/introspect"
)

// CacheEntries bounds the number of cached answers, whatever CacheBytes allows. A
// quarter as many answers about inactive tokens are cached.
func TestEntriesAreBounded(t *testing.T) {
	size := int64(8 << 30)
	large := int(size) // zero, hence the default, if an int has 32 bits
	for _, tt := range []struct {
		name           string
		entries, bytes int
		active         int // active tokens that stay cached, of 300, at most
		inactive       int // inactive tokens that stay cached
	}{
		{"100 entries", 100, 0, 100, 25},
		{"one entry", 1, 0, 1, 1},
		{"one entry of 8 GiB", 1, large, 2, 1},
		{"one byte", 0, 1, 0, 0},
	} {
		var asked atomic.Int32
		v := scripted(t, func(c *introspect.Config) { c.CacheEntries, c.CacheBytes = tt.entries, tt.bytes }, func(token string) behaviour {
			asked.Add(1)
			if strings.HasPrefix(token, "bad") {
				return inactive
			}
			return active
		})
		cached := func(prefix string) int {
			for i := range 300 {
				_, _ = v.Verify(t.Context(), fmt.Sprint(prefix, i))
			}
			before := asked.Load()
			for i := 299; i >= 0; i-- { // a token that is asked about again may evict another one
				_, _ = v.Verify(t.Context(), fmt.Sprint(prefix, i))
			}
			return 300 - int(asked.Load()-before)
		}
		// The cache evicts in the background, a little later.
		const late = 50
		eventually(t, tt.name+": the bound of active tokens holds", func() bool { return cached("good-") <= tt.active+late })
		eventually(t, tt.name+": the bound of inactive tokens holds", func() bool { return cached("bad-") <= tt.inactive+late })
	}
}

// By default, 2,500 answers about inactive tokens are cached.
func TestInactiveTokensStayCached(t *testing.T) {
	var asked atomic.Int32
	v := scripted(t, nil, func(string) behaviour { asked.Add(1); return inactive })
	for range 20 {
		for i := range 100 {
			_, _ = v.Verify(t.Context(), fmt.Sprint("bad-", i))
		}
	}
	if n := asked.Load(); n != 100 {
		t.Errorf("%d requests for 100 tokens", n)
	}
}

// Each token has at most one introspection under way, MaxConcurrent of them are
// sent, and four times as many wait. Beyond that, a token is refused at once, even
// while the others wait for the shared cache.
func TestIntrospectionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := scripted(t, func(c *introspect.Config) {
			c.Shared, c.MaxConcurrent = hanging{newMemory()}, 2
		}, func(string) behaviour { return active })
		var wg sync.WaitGroup
		var refused atomic.Int32
		for i := range 11 {
			wg.Go(func() {
				start := time.Now()
				if _, err := v.Verify(t.Context(), fmt.Sprint("t-", i)); err == nil {
					return
				}
				if refused.Add(1); time.Since(start) > 0 {
					t.Errorf("t-%d is refused after %v", i, time.Since(start))
				}
			})
		}
		wg.Wait()
		if n := refused.Load(); n != 1 {
			t.Errorf("%d of 11 tokens are refused, want 1", n)
		}
		v.Close()
	})
}

// A renewal needs a free slot: it does not wait, so that it delays no other token.
// If there is none, it is tried again after a tenth of MaxAge, or 100 ms.
func TestRenewalDoesNotWait(t *testing.T) {
	for _, tt := range []struct {
		maxAge time.Duration
		uses   time.Duration // how long the token is used, once its renewal is due
		want   uint64
	}{
		{time.Minute, 5 * time.Second, 1},
		{time.Minute, 7 * time.Second, 2},
		{400 * time.Millisecond, 99 * time.Millisecond, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			v := scripted(t, func(c *introspect.Config) {
				c.MaxAge, c.MaxConcurrent, c.Timeout = tt.maxAge, 1, 30*time.Second
			}, func(token string) behaviour {
				if token == "slow-1" {
					return never
				}
				return active
			})
			if _, err := v.Verify(t.Context(), "hot-1"); err != nil {
				t.Fatal(err)
			}
			elapse(tt.maxAge * 3 / 4)
			go func() { _, _ = v.Verify(t.Context(), "slow-1") }()
			synctest.Wait()
			before := v.Stats().Rejected
			for end := time.Now().Add(tt.uses); time.Now().Before(end); elapse(10 * time.Millisecond) {
				if _, err := v.Verify(t.Context(), "hot-1"); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
			}
			if n := v.Stats().Rejected - before; n != tt.want {
				t.Errorf("MaxAge %v: %d renewals were tried within %v, want %d", tt.maxAge, n, tt.uses, tt.want)
			}
			v.Close()
		})
	}
}

// A token whose answer has expired waits for a slot like a new token.
func TestExpiredAnswerWaitsForASlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := scripted(t, func(c *introspect.Config) { c.MaxConcurrent = 1 }, func(token string) behaviour {
			if token == "slow-1" {
				elapse(200 * time.Millisecond)
			}
			return active
		})
		_, _ = v.Verify(t.Context(), "known-1")
		elapse(2 * time.Minute)
		go func() { _, _ = v.Verify(t.Context(), "slow-1") }()
		synctest.Wait()
		if _, err := v.Verify(t.Context(), "known-1"); err != nil {
			t.Error(err)
		}
		v.Close()
	})
}

// Forget discards the answer "not active" too. In the shared cache it forgets one key.
func TestForgetAnInactiveToken(t *testing.T) {
	var known atomic.Bool
	shared := newMemory()
	v := scripted(t, func(c *introspect.Config) { c.Shared = shared }, func(string) behaviour {
		if known.Load() {
			return active
		}
		return inactive
	})
	if _, err := v.Verify(t.Context(), "t-1"); codeOf(err) != "unrecognized" {
		t.Fatal(err)
	}
	known.Store(true)
	if err := v.Forget(t.Context(), "t-1"); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), "t-1"); err != nil {
		t.Errorf("after Forget: %v", err)
	}
	if n := len(shared.forgot); n != 1 {
		t.Errorf("%d keys are forgotten, want 1", n)
	}
}

// The empty key of SharedCache.Watch stands for all tokens: cached answers, failures
// and introspections under way. A key that belongs to no token changes nothing.
func TestAllAreForgotten(t *testing.T) {
	for key, forgets := range map[string]bool{"": true, "junk": false, "AAAA": false, strings.Repeat("A", 43): false, strings.Repeat("A", 42) + "B": false} {
		synctest.Test(t, func(t *testing.T) {
			var changed atomic.Bool
			shared := newMemory()
			release := make(chan struct{})
			v := scripted(t, func(c *introspect.Config) { c.Shared = shared }, func(token string) behaviour {
				switch {
				case token == "slow-1" && !changed.Load():
					<-release
					return active
				case isProbe(token):
					return inactive
				case token == "odd-1" && !changed.Load():
					return broken
				case (token == "bad-1") == changed.Load():
					return active
				}
				return inactive
			})
			synctest.Wait() // until the verifier watches
			outcomes := func() (all string) {
				for _, token := range []string{"good-1", "bad-1", "odd-1"} {
					_, err := v.Verify(t.Context(), token)
					all += codeOf(err) + " "
				}
				return all
			}
			const before = "<nil> unrecognized unavailable "
			if got := outcomes(); got != before {
				t.Fatalf("before: %s", got)
			}
			var wg sync.WaitGroup
			wg.Go(func() { _, _ = v.Verify(t.Context(), "slow-1") })
			synctest.Wait()
			changed.Store(true)
			shared.mu.Lock()
			shared.fail = errors.New("no connection")
			forgotten := shared.watchers[0]
			shared.mu.Unlock()
			forgotten(key)
			if got, want := outcomes(), map[bool]string{true: "unrecognized <nil> unrecognized ", false: before}[forgets]; got != want {
				t.Errorf("after the key %q: %s, want %s", key, got, want)
			}
			wg.Go(func() {
				if _, err := v.Verify(t.Context(), "slow-1"); (codeOf(err) == "unrecognized") != forgets {
					t.Errorf("after the key %q, before the old answer: %v", key, err)
				}
			})
			synctest.Wait()
			close(release)
			wg.Wait()
			if _, err := v.Verify(t.Context(), "slow-1"); (codeOf(err) == "unrecognized") != forgets {
				t.Errorf("after the key %q, under way: %v", key, err)
			}
			v.Close()
		})
	}
}

// An introspection that began before Forget neither answers later callers nor
// disturbs the introspection that they share.
func TestForgetDuringAnIntrospection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		v := scripted(t, nil, func(token string) behaviour {
			if n := asked.Add(1); n == 1 {
				elapse(200 * time.Millisecond)
			} else {
				elapse(500 * time.Millisecond)
			}
			return active
		})
		var wg sync.WaitGroup
		use := func() { wg.Go(func() { _, _ = v.Verify(t.Context(), "t-1") }) }
		use()
		elapse(100 * time.Millisecond)
		if err := v.Forget(t.Context(), "t-1"); err != nil {
			t.Fatal(err)
		}
		use()
		synctest.Wait()
		if n := asked.Load(); n != 2 {
			t.Errorf("a caller after Forget: %d requests, want 2", n)
		}
		elapse(200 * time.Millisecond) // the first answer has arrived
		use()
		wg.Wait()
		if n := asked.Load(); n != 2 {
			t.Errorf("%d requests, want 2", n)
		}
		v.Close()
	})
}

// After Forget the shared cache is not read until its old entries have expired, and
// then it is read again.
func TestForgottenTokenIsSharedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := newMemory()
		open := func() *introspect.Verifier {
			return scripted(t, func(c *introspect.Config) { c.Shared = shared }, func(string) behaviour { return active })
		}
		one, two := open(), open()
		if err := one.Forget(t.Context(), "t-1"); err != nil {
			t.Fatal(err)
		}
		clear(shared.forgot)
		elapse(64 * time.Second) // MaxAge and Leeway are 65 s together
		for _, step := range []struct {
			wait time.Duration
			want uint64
		}{{0, 0}, {70 * time.Second, 1}} {
			elapse(step.wait)
			if _, err := two.Verify(t.Context(), "t-1"); err != nil {
				t.Fatal(err)
			}
			elapse(time.Millisecond)
			if _, err := one.Verify(t.Context(), "t-1"); err != nil || one.Stats().SharedHits != step.want {
				t.Errorf("%d answers from the shared cache, want %d (%v)", one.Stats().SharedHits, step.want, err)
			}
		}
		one.Close()
		two.Close()
	})
}

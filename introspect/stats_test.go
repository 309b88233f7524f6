package introspect_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/introspect"
)

// Each counter of Stats counts what its comment says.
func TestStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Pointer[behaviour]
		shared := newMemory()
		open := func(change func(*introspect.Config)) *introspect.Verifier {
			return scripted(t, change, func(token string) behaviour {
				if b := down.Load(); b != nil {
					return *b
				}
				if strings.HasPrefix(token, "odd") {
					return broken
				}
				return active
			})
		}
		use := func(v *introspect.Verifier, tokens ...string) {
			for _, token := range tokens {
				_, _ = v.Verify(t.Context(), token)
			}
		}
		expect := func(v *introspect.Verifier, want introspect.Stats) {
			t.Helper()
			got := v.Stats()
			got.Open, want.Issuer = 0, "https://issuer.example.com"
			if got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		}

		one := open(func(c *introspect.Config) { c.Shared, c.ServeStale = shared, time.Hour })
		use(one, "good-1", "good-1", "good-2")
		expect(one, introspect.Stats{Hits: 1, Misses: 2, Requests: 2})
		two := open(func(c *introspect.Config) { c.Shared = shared })
		use(two, "good-1")
		expect(two, introspect.Stats{Misses: 1, SharedHits: 1})
		two.Close()

		// A token that failed is not introspected again at once. The probe shows that
		// the endpoint works.
		elapse(time.Millisecond)
		use(one, "odd-1")
		expect(one, introspect.Stats{Hits: 1, Misses: 3, Requests: 4, Probes: 1, Failures: 1})
		use(one, "odd-1")
		expect(one, introspect.Stats{Hits: 1, Misses: 4, Requests: 4, Probes: 1, Failures: 1, Rejected: 1})

		// In an outage, stale answers are used, and others are rejected.
		elapse(2 * time.Minute)
		down.Store(&broken)
		use(one, "good-1")
		expect(one, introspect.Stats{Hits: 1, Misses: 5, Requests: 8, Probes: 4, Failures: 2, Rejected: 1, Stale: 1})
		use(one, "other-1")
		expect(one, introspect.Stats{Hits: 1, Misses: 6, Requests: 8, Probes: 4, Failures: 2, Rejected: 2, Stale: 1})
		one.Close()
		three := open(nil) // without a shared cache, the circuit is asked earlier
		use(three, "a-1")
		expect(three, introspect.Stats{Misses: 1, Requests: 4, Probes: 3, Failures: 1})
		use(three, "a-2")
		expect(three, introspect.Stats{Misses: 2, Requests: 4, Probes: 3, Failures: 1, Rejected: 1})
		three.Close()

		// Two requests occupy the slots, eight wait for one, and one is rejected.
		down.Store(&never)
		four := open(func(c *introspect.Config) { c.MaxConcurrent, c.Timeout = 2, 700*time.Millisecond })
		var wg sync.WaitGroup
		for i := range 11 {
			wg.Go(func() { use(four, fmt.Sprint("t-", i)) })
		}
		wg.Wait()
		expect(four, introspect.Stats{Misses: 11, Requests: 2 + four.Stats().Probes, Probes: four.Stats().Probes, Failures: 2, Rejected: 9})
		four.Close()
	})
}

// Open is the time until the next probe. It stays positive while a probe is due.
func TestStatsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := scripted(t, nil, func(string) behaviour { return broken })
		if got := v.Stats().Open; got != 0 {
			t.Errorf("a closed circuit: %v", got)
		}
		_, _ = v.Verify(t.Context(), "a-1")
		elapse(time.Second / 2)
		if got := v.Stats().Open; got < time.Millisecond || got > time.Second {
			t.Errorf("an open circuit: %v", got)
		}
		elapse(time.Minute)
		if got := v.Stats().Open; got != 1 {
			t.Errorf("a probe is due: %v, want a nanosecond", got)
		}
		v.Close()
	})
}

// The log has one record when the endpoint fails, one in each minute that it still
// fails, and one when it works again, whatever clients do.
func TestOutageIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log lockedLog
		var down atomic.Bool
		v := scripted(t, func(c *introspect.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) }, func(token string) behaviour {
			if down.Load() || strings.HasPrefix(token, "odd") {
				return broken
			}
			return active
		})
		count := func(when string, want ...int) {
			t.Helper()
			for i, text := range []string{
				`level=WARN msg="cannot introspect tokens" issuer=https://issuer.example.com error="the response status is 500`,
				`level=INFO msg="tokens can be introspected again" issuer=https://issuer.example.com`,
				`level=WARN msg="the endpoint gives no answer about a token" issuer=https://issuer.example.com failures=`,
			} {
				if n := strings.Count(log.String(), text); n != want[i] {
					t.Errorf("%s: %d records %s, want %d, in\n%s", when, n, text, want[i], log.String())
				}
			}
		}
		_, _ = v.Verify(t.Context(), "good-1")
		count("at first", 0, 0, 0)
		for i := range 3 {
			_, _ = v.Verify(t.Context(), fmt.Sprint("odd-", i))
		}
		count("three failures for single tokens", 0, 0, 1)
		elapse(2 * time.Minute)
		_, _ = v.Verify(t.Context(), "odd-4")
		count("another one two minutes later", 0, 0, 2)
		if !strings.Contains(log.String(), "failures=3") {
			t.Errorf("the failures since the last record are not counted:\n%s", log.String())
		}
		elapse(2 * time.Minute)
		down.Store(true)
		for range 20 { // within 55 s
			_, _ = v.Verify(t.Context(), "good-2")
			elapse(55 * time.Second / 20)
		}
		count("an outage of 55 s", 1, 0, 3)
		for range 60 {
			_, _ = v.Verify(t.Context(), "good-2")
			elapse(time.Second)
		}
		count("an outage of two minutes", 2, 0, 3)
		down.Store(false)
		elapse(10 * time.Second)
		for i := range 3 {
			_, _ = v.Verify(t.Context(), fmt.Sprint("good-3", i))
		}
		count("afterwards", 2, 1, 3)
		elapse(2 * time.Minute)
		down.Store(true)
		_, _ = v.Verify(t.Context(), "other-1")
		elapse(time.Second)
		down.Store(false)
		elapse(time.Second)
		_, _ = v.Verify(t.Context(), "other-2")
		count("another outage", 3, 2, 4)
		v.Close()
	})
}

// The log has one record when the shared cache fails, and one when it works again.
func TestSharedCacheIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log lockedLog
		shared := newMemory()
		v := scripted(t, func(c *introspect.Config) {
			c.Shared, c.Logger = shared, slog.New(slog.NewTextHandler(&log, nil))
		}, func(string) behaviour { return active })
		fail := func(err error) {
			shared.mu.Lock()
			shared.fail = err
			shared.mu.Unlock()
		}
		count := func(when string, failed, worked int) {
			t.Helper()
			for text, want := range map[string]int{
				`level=WARN msg="the shared cache fails; the endpoint is asked instead" error="no connection"`: failed,
				`level=INFO msg="the shared cache works again"`:                                                worked,
			} {
				if n := strings.Count(log.String(), text); n != want {
					t.Errorf("%s: %d records %s, want %d, in\n%s", when, n, text, want, log.String())
				}
			}
		}
		for i, phase := range []struct {
			err            error
			failed, worked int
		}{{nil, 0, 0}, {errors.New("no connection"), 1, 0}, {nil, 1, 1}} {
			fail(phase.err)
			for n := range 3 {
				if _, err := v.Verify(t.Context(), fmt.Sprint("t-", i, n)); err != nil {
					t.Error(err)
				}
			}
			count(fmt.Sprint("phase ", i), phase.failed, phase.worked)
		}
		v.Close()
	})
}

// A call of the shared cache that Close ends is no failure of the cache.
func TestCloseIsNoFailureOfTheSharedCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log lockedLog
		v := scripted(t, func(c *introspect.Config) {
			c.Shared, c.Logger = hanging{newMemory()}, slog.New(slog.NewTextHandler(&log, nil))
		}, func(string) behaviour { return active })
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = v.Verify(context.Background(), "t-1") })
		synctest.Wait()
		v.Close()
		wg.Wait()
		if log.String() != "" {
			t.Errorf("logged: %s", log.String())
		}
	})
}

// writeOnly and readOnly are shared caches of which one half fails.
type (
	writeOnly struct{ *memory }
	readOnly  struct{ *memory }
)

func (writeOnly) Get(context.Context, string) ([]byte, error) { return nil, errors.New("no reads") }

func (readOnly) Set(context.Context, string, []byte, time.Duration) error {
	return errors.New("no writes")
}

// A shared cache that can only be read, or only be written, fails: the log has one
// record, and does not alternate between failure and recovery.
func TestHalfASharedCacheIsLogged(t *testing.T) {
	for want, shared := range map[string]introspect.SharedCache{
		`error="no reads"`: writeOnly{newMemory()}, `error="no writes"`: readOnly{newMemory()},
	} {
		synctest.Test(t, func(t *testing.T) {
			var log lockedLog
			v := scripted(t, func(c *introspect.Config) {
				c.Shared, c.Logger = shared, slog.New(slog.NewTextHandler(&log, nil))
			}, func(string) behaviour { return active })
			for i := range 5 {
				if _, err := v.Verify(t.Context(), fmt.Sprint("t-", i)); err != nil {
					t.Error(err)
				}
			}
			if n := strings.Count(log.String(), "level="); n != 1 || !strings.Contains(log.String(), want) {
				t.Errorf("%d records, want one with %s:\n%s", n, want, log.String())
			}
			v.Close()
		})
	}
}

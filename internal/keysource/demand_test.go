package keysource_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/internal/keysource"
)

func onDemand(c *keysource.Config) { c.OnDemand = true }

// A source on demand fetches at once, and then once after each use.
func TestOnDemandFetchesOnlyAfterUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		is.warm(t, onDemand)
		elapse(24 * time.Hour)
		wantCount(t, is, jwksURL, 1)

		s := is.warm(t, onDemand)
		s.Touch()
		s.Touch()
		elapse(5 * time.Minute)
		wantCount(t, is, jwksURL, 3)
		elapse(time.Hour)
		wantCount(t, is, jwksURL, 3)
		s.Touch() // the keys are overdue
		synctest.Wait()
		if !s.Fetching() {
			t.Error("overdue keys are not refreshed at once")
		}
		elapse(time.Minute)
		wantCount(t, is, jwksURL, 4)
		s.Touch()
		s.Rest()
		elapse(time.Hour)
		wantCount(t, is, jwksURL, 4)
	})
}

// Without traffic a source on demand does not repeat a failed fetch. A lookup does,
// with the pauses of other sources.
func TestOnDemandRetriesForLookups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		is.publish()
		s := is.source(t, onDemand)
		elapse(time.Hour)
		wantCount(t, is, jwksURL, 1)
		for range 600 {
			wantUnavailable(t, s, "a")
			elapse(100 * time.Millisecond)
		}
		if n := is.count(jwksURL); n < 5 || n > 15 {
			t.Errorf("%d requests within a minute of lookups, want one in 10 s and a burst", n)
		}
		is.publish("a")
		elapse(30 * time.Second)
		if err := lookup(s, "a"); err != nil {
			t.Error(err)
		}
	})
}

// Stale keys are as unusable as those of other sources, and a lookup replaces them.
func TestOnDemandKeysGetStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		s := is.warm(t, onDemand)
		elapse(24 * time.Hour)
		if s.Ready() == nil || s.Generation() != 0 {
			t.Error("keys are usable after MaxStale")
		}
		if err := lookup(s, "a"); err != nil {
			t.Error(err)
		}
		wantCount(t, is, jwksURL, 2)
	})
}

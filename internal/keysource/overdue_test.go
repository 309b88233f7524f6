package keysource_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// C20: a key that was withdrawn while the source was idle verifies nothing. The
// first lookup after the pause waits for the fresh keys, and the next one does not.
func TestOnDemandKeysAreFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a", "b")
		s := is.warm(t, onDemand)
		elapse(time.Minute)
		wantFound(t, s, "a") // still fresh
		elapse(time.Hour)
		if s.Generation() != 0 || s.Ready() != nil {
			t.Error("what overdue keys verified counts, or the source is not ready")
		}
		is.publish("b")
		wantUnknown(t, s, "a")
		wantFound(t, s, "b")
		wantCount(t, is, jwksURL, 2)

		elapse(time.Hour)
		for _, err := range herd(context.Background(), s, 100, always("b")) {
			if err != nil {
				t.Error(err)
			}
		}
		wantCount(t, is, jwksURL, 3)

		elapse(time.Hour)
		is.publish() // withdraws all keys
		wantUnavailable(t, s, "b")
	})
}

// While the issuer is down, a lookup after a pause waits for one attempt, as long
// as other lookups wait, and then gets the keys at hand. No other lookup waits for
// a minute.
func TestOnDemandKeysOutliveAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		s := is.warm(t, onDemand)
		elapse(time.Hour)
		is.all(hang)
		start := time.Now()
		for _, err := range herd(context.Background(), s, 5000, always("a")) {
			if err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took > 9*time.Second {
			t.Errorf("lookups waited for %v", took)
		}
		synctest.Wait()
		for range 59 {
			wantFound(t, s, "a")
			elapse(time.Second)
		}
		elapse(time.Minute)
		waiting, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Lookup(waiting, named("a")); err == nil {
			t.Error("does not wait for a refresh after another pause")
		}
		s.Close()
		wantFound(t, s, "a")
		elapse(time.Hour)
		wantFound(t, s, "a")
		if s.Generation() == 0 {
			t.Error("the last keys of a closed source are overdue")
		}
	})
}

// A source in use is refreshed in the background. No lookup waits for that, even if
// the issuer is slow, or fails, or somebody sends unknown key IDs.
func TestOnDemandKeysInUseAreNotWaitedFor(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*issuer)
	}{
		{"slow", func(is *issuer) { is.delay = 4 * time.Second }},
		{"down", func(is *issuer) { is.all(answer{status: 500}) }},
		{"hangs", func(is *issuer) { is.all(hang) }},
		{"Retry-After", func(is *issuer) {
			is.all(answer{status: 429, header: map[string][]string{"Retry-After": {"60"}}})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := newIssuer("a")
				s := is.warm(t, onDemand)
				tt.change(is)
				for n := range 1800 {
					wantFound(t, s, "a")
					s.Touch()
					if n%7 == 0 {
						go func() { _ = lookup(s, "unknown") }()
					}
					elapse(time.Second)
				}
				s.Close()
				synctest.Wait()
			})
		})
	}
}

package keysource_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/internal/keysource"
)

// An idle source has no goroutine, and still refreshes its keys.
func TestIdleSourcesHaveNoGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const sources = 200
		is := newIssuer("a")
		before := runtime.NumGoroutine()
		var first *keysource.Source
		for range sources {
			s := is.source(t)
			if first == nil {
				first = s
			}
		}
		elapse(3 * time.Second)
		synctest.Wait()
		if n := runtime.NumGoroutine() - before; n > 5 {
			t.Errorf("%d goroutines for %d sources", n, sources)
		}
		if n := is.count(jwksURL); n != sources {
			t.Errorf("%d fetches, want %d", n, sources)
		}
		elapse(5*time.Minute - 3*time.Second)
		if s := first.Stats(); s.Fetches != 2 {
			t.Errorf("%+v, want two fetches", s)
		}
	})
}

// A source may postpone its first fetch, but a token does not wait for it.
func TestDelayPostponesTheFirstFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		late := func(c *keysource.Config) { c.Delay = time.Minute }
		s, asked := is.source(t, late), is.source(t, late)
		if _, err := asked.Lookup(t.Context(), named("a")); err != nil {
			t.Error(err)
		}
		elapse(time.Minute - time.Second)
		if n := s.Stats().Fetches; n != 0 || asked.Stats().Fetches != 1 {
			t.Errorf("%d fetches and %d", n, asked.Stats().Fetches)
		}
		elapse(2 * time.Second)
		if err := s.Ready(); err != nil {
			t.Error(err)
		}
	})
}

// Close ends a fetch that hangs, releases those who wait for it, and leaves no
// timer.
func TestCloseEndsTheFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer("a")
		is.all(hang)
		s := is.source(t)
		waited := make(chan error, 1)
		go func() {
			_, err := s.Lookup(t.Context(), named("a"))
			waited <- err
		}()
		synctest.Wait()
		s.Close()
		if err := <-waited; err == nil {
			t.Error("found")
		}
		asked := is.count(metadataURL)
		elapse(time.Hour)
		if n := is.count(metadataURL); n != asked || asked != 1 {
			t.Errorf("%d requests, and %d after Close", asked, n-asked)
		}
	})
}

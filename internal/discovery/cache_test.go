package discovery_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/internal/discovery"
)

var errDown = errors.New("the server is down")

// finder counts the discoveries and names the URL after their number. A cache
// calls it once at a time.
type finder struct {
	calls int
	down  bool
	takes time.Duration
}

func (f *finder) find(ctx context.Context) (string, error) {
	f.calls++
	select {
	case <-time.After(f.takes):
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if f.down {
		return "", errDown
	}
	return fmt.Sprint("url ", f.calls), nil
}

// wantURL checks what c.URL returns. An empty want demands an error.
func wantURL(t *testing.T, c *discovery.Cache, want string) {
	t.Helper()
	got, err := c.URL(t.Context())
	if got != want || (err == nil) != (want != "") {
		t.Errorf("URL() = %q, %v, want %q", got, err, want)
	}
}

func TestURLIsFreshForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &finder{}
		c := discovery.NewCache(discovery.Config{Find: f.find, MaxStale: time.Hour})
		wantURL(t, c, "url 1")
		elapse(24*time.Hour - 1)
		wantURL(t, c, "url 1")
		elapse(time.Nanosecond)
		wantURL(t, c, "url 2")
	})
}

func TestOldURLServesForMaxStaleWhileDiscoveryFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &finder{}
		c := discovery.NewCache(discovery.Config{Find: f.find, MaxStale: time.Hour})
		wantURL(t, c, "url 1")
		f.down = true
		elapse(25*time.Hour - 1)
		wantURL(t, c, "url 1")
		elapse(time.Nanosecond)
		wantURL(t, c, "")
		f.down = false
		wantURL(t, c, "url 4")
	})
}

func TestDoubtBringsTheNextDiscoveryForward(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &finder{}
		c := discovery.NewCache(discovery.Config{Find: f.find, MaxStale: time.Hour})
		c.Doubt(0) // nothing is known yet
		wantURL(t, c, "url 1")

		c.Doubt(5 * time.Minute)
		wantURL(t, c, "url 1")
		c.Trust() // revokes the doubt
		elapse(5 * time.Minute)
		wantURL(t, c, "url 1")

		c.Doubt(5 * time.Minute)
		c.Doubt(time.Hour) // does not extend it
		wantURL(t, c, "url 2")

		c.Doubt(0)
		c.Trust() // comes too late
		wantURL(t, c, "url 3")
	})
}

func TestConcurrentCallersShareOneDiscovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &finder{takes: time.Second}
		c := discovery.NewCache(discovery.Config{Find: f.find})
		var work sync.WaitGroup
		for range 10 {
			work.Go(func() { wantURL(t, c, "url 1") })
		}
		hurried, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		synctest.Wait()
		if _, err := c.URL(hurried); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v for a caller that waits 100 ms, want its context's error", err)
		}
		work.Wait()
	})
}

func TestBackgroundDiscoveryKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &finder{takes: time.Second}
		closed := false
		c := discovery.NewCache(discovery.Config{
			Find: f.find, MaxStale: time.Hour, Pause: time.Minute,
			Background: func(work func(context.Context)) bool {
				if !closed {
					go work(t.Context())
				}
				return !closed
			},
		})
		wantURL(t, c, "url 1")
		c.Doubt(0)
		before := time.Now()
		wantURL(t, c, "url 1")
		wantURL(t, c, "url 1") // one discovery is enough
		if waited := time.Since(before); waited != 0 {
			t.Errorf("callers waited %v, want no wait", waited)
		}
		elapse(2 * time.Second)
		wantURL(t, c, "url 2")

		// A failure is not repeated for a minute.
		f.down = true
		c.Doubt(0)
		wantURL(t, c, "url 2")
		elapse(time.Minute)
		wantURL(t, c, "url 2")
		if f.calls != 3 {
			t.Errorf("%d discoveries within a minute of a failure, want 3", f.calls)
		}
		elapse(time.Second)
		wantURL(t, c, "url 2")
		elapse(2 * time.Second)
		if f.calls != 4 {
			t.Errorf("%d discoveries a minute after a failure, want 4", f.calls)
		}

		// Nothing is left locked where the work could not begin.
		elapse(time.Minute)
		f.down, closed = false, true
		wantURL(t, c, "url 2")
		closed = false
		wantURL(t, c, "url 2")
		elapse(2 * time.Second)
		wantURL(t, c, "url 5")
	})
}

// elapse lets a bubble's time pass, and the work that becomes due finish.
func elapse(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

package throttle_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/internal/throttle"
)

func TestOutageIsToldAtOnceThenEachMinuteThenItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var outage throttle.Outage
		for i, step := range []struct {
			after  time.Duration
			failed bool
			tell   bool
		}{
			{0, false, false},
			{0, true, true},
			{time.Second, true, false},
			{58 * time.Second, true, false},
			{time.Second, true, true},
			{59 * time.Second, true, false},
			{0, false, true},
			{0, false, false},
			{0, true, true}, // another outage begins: its start is news
		} {
			elapse(step.after)
			if tell := outage.Tell(step.failed); tell != step.tell {
				t.Errorf("step %d: Tell(%t) = %t, want %t", i, step.failed, tell, step.tell)
			}
		}
	})
}

func TestRepeatedCountsWhatWasNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var repeated throttle.Repeated
		for i, step := range []struct {
			after  time.Duration
			events int
		}{
			{0, 1},
			{time.Second, 0},
			{58 * time.Second, 0},
			{time.Second, 3},
			{time.Hour, 1},
		} {
			elapse(step.after)
			if events := repeated.Tell(); events != step.events {
				t.Errorf("step %d: Tell() = %d, want %d", i, events, step.events)
			}
		}
	})
}

func TestOnceTellsOneOfManyGoroutines(t *testing.T) {
	var once throttle.Once
	var told atomic.Int64
	var work sync.WaitGroup
	for range 100 {
		work.Go(func() {
			if once.Tell() {
				told.Add(1)
			}
		})
	}
	work.Wait()
	if n := told.Load(); n != 1 {
		t.Errorf("told %d times, want once", n)
	}
}

// elapse lets a bubble's time pass.
func elapse(d time.Duration) { <-time.After(d) }

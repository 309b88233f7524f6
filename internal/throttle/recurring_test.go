package throttle_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/internal/throttle"
)

// Of any number of concurrent events, one a minute is logged.
func TestRecurringIsToldOncePerInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var event throttle.Recurring
		for minute := range 3 {
			var told atomic.Int64
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					if event.Tell() {
						told.Add(1)
					}
				})
			}
			wg.Wait()
			if told.Load() != 1 {
				t.Errorf("minute %d: told %d times, want once", minute, told.Load())
			}
			elapse(throttle.Interval - time.Nanosecond)
			if event.Tell() {
				t.Errorf("minute %d: told again too early", minute)
			}
			elapse(time.Nanosecond)
		}
	})
}

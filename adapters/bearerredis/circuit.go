package bearerredis

import (
	"sync/atomic"
	"time"
)

// retryInterval is how long an open circuit keeps calls from Redis before it
// lets one through.
const retryInterval = 500 * time.Millisecond

// circuit is a circuit breaker: while it is open, one caller per retryInterval
// may try Redis.
type circuit struct {
	began time.Time
	until atomic.Int64 // nanoseconds since began; 0 while the circuit is closed
}

// enter reports whether the caller may try Redis.
func (c *circuit) enter() bool {
	until := c.until.Load()
	if until == 0 {
		return true
	}
	now := time.Since(c.began)
	return int64(now) >= until && c.until.CompareAndSwap(until, int64(now+retryInterval))
}

// rested reports whether a retryInterval has passed since the last failure.
func (c *circuit) rested() bool { return int64(time.Since(c.began)) >= c.until.Load() }

func (c *circuit) open() { c.until.Store(int64(time.Since(c.began) + retryInterval)) }

func (c *circuit) isOpen() bool { return c.until.Load() != 0 }

// close closes the circuit and reports whether it was open.
func (c *circuit) close() bool { return c.until.Load() != 0 && c.until.Swap(0) != 0 }

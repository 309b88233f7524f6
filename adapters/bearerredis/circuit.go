package bearerredis

import (
	"sync/atomic"
	"time"
)

const rest = 500 * time.Millisecond

// circuit keeps callers from a Redis that failed: while it is open, one of them
// in each rest tries again.
type circuit struct {
	began time.Time
	until atomic.Int64 // nanoseconds from began; 0 is closed
}

func (c *circuit) enter() bool {
	until := c.until.Load()
	if until == 0 {
		return true
	}
	now := time.Since(c.began)
	return int64(now) >= until && c.until.CompareAndSwap(until, int64(now+rest))
}

// rested reports whether a rest has passed since the last failure.
func (c *circuit) rested() bool { return int64(time.Since(c.began)) >= c.until.Load() }

func (c *circuit) open() { c.until.Store(int64(time.Since(c.began) + rest)) }

func (c *circuit) isOpen() bool { return c.until.Load() != 0 }

// close reports whether the circuit was open.
func (c *circuit) close() bool { return c.until.Load() != 0 && c.until.Swap(0) != 0 }

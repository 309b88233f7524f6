// Package throttle decides which of many equal events the log is told about, so
// that neither an outage nor a client can fill it.
package throttle

import (
	"sync/atomic"
	"time"
)

// Interval is the least time between two records that say the same.
const Interval = time.Minute

// Outage is the state of something that fails and recovers. The log is told at
// once that it fails, once per [Interval] that it still does, and that it works
// again. The zero Outage works. The caller locks.
type Outage struct {
	failing bool
	told    time.Time
}

// Tell reports whether to tell the log that the last attempt failed, or that it
// succeeded.
func (o *Outage) Tell(failed bool) bool {
	switch now := time.Now(); {
	case failed && (!o.failing || now.Sub(o.told) >= Interval):
		o.failing, o.told = true, now
		return true
	case !failed && o.failing:
		o.failing = false
		return true
	}
	return false
}

// Repeated counts events that come one by one and never end. The log is told of
// the first, and then once per [Interval] how many there were. The zero Repeated
// has seen none. The caller locks.
type Repeated struct {
	told  time.Time
	count int
}

// Tell counts an event. If it is time to tell the log, it returns the number of
// events since the log was last told, and zero otherwise.
func (r *Repeated) Tell() (events int) {
	r.count++
	now := time.Now()
	if now.Sub(r.told) < Interval {
		return 0
	}
	events, r.told, r.count = r.count, now, 0
	return events
}

// Once is an event of which the log is told the first time only. It is safe for
// concurrent use, and costs a load once the log was told.
type Once struct{ told atomic.Bool }

// Tell reports whether this is the first call.
func (o *Once) Tell() bool { return !o.told.Load() && !o.told.Swap(true) }

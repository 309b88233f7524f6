// Package throttle decides which of many equal events are logged, so that neither
// an outage nor a client can flood the log.
package throttle

import (
	"sync/atomic"
	"time"
)

// Interval is the minimum time between two equal log records.
const Interval = time.Minute

// Outage decides when to log the outage of a component: when it begins, once per
// [Interval] while it lasts, and when it ends. The zero Outage is a component that
// works. The caller must lock.
type Outage struct {
	failing bool
	told    time.Time
}

// Tell reports whether to log that the last attempt failed, or that it succeeded.
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

// Repeated counts separate events of one kind. It decides to log the first event,
// and then at most once per [Interval] the number of further events. The zero
// Repeated has counted none. The caller must lock.
type Repeated struct {
	told  time.Time
	count int
}

// Tell counts an event. If it is time to log, Tell returns the number of events
// since it last did so, including this one. Otherwise it returns zero.
func (r *Repeated) Tell() (events int) {
	r.count++
	now := time.Now()
	if now.Sub(r.told) < Interval {
		return 0
	}
	events, r.told, r.count = r.count, now, 0
	return events
}

// Once is an event to log only the first time. It is safe for concurrent use, and
// after the first time costs only an atomic load.
type Once struct{ told atomic.Bool }

// Tell reports whether this is the first call.
func (o *Once) Tell() bool { return !o.told.Load() && !o.told.Swap(true) }

package throttle

import (
	"sync/atomic"
	"time"
)

// Recurring is an event to log at most once per [Interval]. The zero Recurring has
// never occurred. It is safe for concurrent use and takes no lock.
type Recurring struct{ told atomic.Pointer[time.Time] }

// Tell reports whether to log this event. It uses the monotonic clock, so that a
// wall clock that was ahead for a while does not silence the log.
func (r *Recurring) Tell() bool {
	now, told := time.Now(), r.told.Load()
	return (told == nil || now.Sub(*told) >= Interval) && r.told.CompareAndSwap(told, &now)
}

// Package counters counts events for metrics.
package counters

import (
	"sync"
	"sync/atomic"
)

// ByName counts events by name. It never forgets a name, so the names must come
// from the program and not from a client. The zero ByName is ready to use and
// safe for concurrent use.
type ByName struct{ counts sync.Map } // string to *atomic.Uint64

// Add counts one event.
func (c *ByName) Add(name string) {
	count, ok := c.counts.Load(name)
	if !ok {
		count, _ = c.counts.LoadOrStore(name, new(atomic.Uint64))
	}
	count.(*atomic.Uint64).Add(1)
}

// Snapshot returns the counts in a map that belongs to the caller. It is never
// nil.
func (c *ByName) Snapshot() map[string]uint64 {
	counts := map[string]uint64{}
	c.counts.Range(func(name, count any) bool {
		counts[name.(string)] = count.(*atomic.Uint64).Load()
		return true
	})
	return counts
}

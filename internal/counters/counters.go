// Package counters counts events for metrics.
package counters

import (
	"math/rand/v2"
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

// Sharded is one counter in several cache lines, so that cores that count at the
// same time do not slow each other down. The zero Sharded is ready to use and
// safe for concurrent use.
type Sharded [16]struct {
	n atomic.Uint64
	_ [56]byte // fills the cache line
}

// Add counts one event.
func (c *Sharded) Add() { c[rand.Uint32()%uint32(len(c))].n.Add(1) }

// Load returns the number of events.
func (c *Sharded) Load() (sum uint64) {
	for i := range c {
		sum += c[i].n.Load()
	}
	return sum
}

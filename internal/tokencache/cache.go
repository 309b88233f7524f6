// Package tokencache caches verified facts about tokens, and lets concurrent
// requests with the same token share one verification, called a proof. It does not
// know what a token means: a token is a string, and the owner of the cache defines
// the values, their weight and when they become invalid.
package tokencache

import (
	"sync"
	"sync/atomic"
	"time"
)

// Config configures a [Cache].
type Config[V any] struct {
	// Entries and Bytes bound the cache. Both are required. Bytes limits the sum
	// of [Entry.Weight].
	Entries, Bytes int

	// Version returns the version, at now, of what v was verified with, such as
	// an issuer's keys. The cache discards an entry with a different version.
	// Required. Version must be quick and must not call the cache, which may
	// hold its lock.
	Version func(v *V, now time.Time) uint64

	// Counters counts the calls of [Cache.Get]. Several caches may share it.
	// Default: one for this cache alone.
	Counters *Counters

	// Rejected is the error of a proof that waiting calls share; see
	// [Cache.Do]. Required.
	Rejected error
}

// Entry is what the cache keeps about a token: neither the token nor any part
// of it. The owner sets the exported fields and does not change them after
// [Cache.Do] has received the entry.
type Entry[V any] struct {
	Value   V
	Version uint64 // see [Config.Version]
	Sum     Sum    // of the token
	Weight  int    // in bytes
	Expires int64  // when the entry becomes useless, in nanoseconds since 1970

	// Transient makes Do share the entry with waiting calls without storing it.
	Transient bool

	tag  uint64 // see tagOf
	hash uint64 // see hashOf

	next atomic.Pointer[Entry[V]] // in the bucket
	uses atomic.Uint32            // up to maxUses

	// The cache's lock protects these.
	queue        *queue[V] // nil: the entry is not in the cache
	older, newer *Entry[V]
}

// Cache is a bounded map from tokens to entries. [Cache.Get] takes no lock.
//
// The cache evicts by S3-FIFO: it evicts a new entry that is not used again while
// it is among the newest tenth. One-off tokens, however many, therefore do not
// evict tokens in use.
//
// A Cache is safe for concurrent use. A nil *Cache stores nothing.
type Cache[V any] struct {
	config  Config[V]
	buckets []atomic.Pointer[Entry[V]] // a power of two
	proofs  [16]proofs[V]

	mu     sync.Mutex // protects all below, the queues, and changes to buckets
	recent queue[V]   // new entries
	main   queue[V]   // entries that were used again
	ghosts []uint32   // prints of entries evicted from recent; see ghost
}

// Counters counts lookups. The zero Counters is ready to use.
type Counters struct {
	_            [64]byte // hits changes with each known token; what is around the counters does not
	hits, misses atomic.Uint64
	_            [48]byte
}

// Hits returns how many lookups found an entry.
func (c *Counters) Hits() uint64 { return c.hits.Load() }

// Misses returns how many lookups did not.
func (c *Counters) Misses() uint64 { return c.misses.Load() }

// Stats are the counters, and the current size.
type Stats struct {
	Hits, Misses uint64 // calls of [Cache.Get] that found an entry, and others
	Entries      int
	Bytes        int // the sum of the weights
}

// New returns an empty cache.
func New[V any](c Config[V]) *Cache[V] {
	places := 1
	for places < c.Entries {
		places *= 2
	}
	if c.Counters == nil {
		c.Counters = new(Counters)
	}
	return &Cache[V]{
		config: c,
		// Twice as many buckets as entries keep the chains short: each link
		// costs a miss in the processor's cache.
		buckets: make([]atomic.Pointer[Entry[V]], 2*places),
		ghosts:  make([]uint32, places),
	}
}

// Get returns the entry of a token, or nil. It discards an entry whose version is
// not the current one. It ignores [Entry.Expires], because the owner judges
// expired tokens more precisely.
func (c *Cache[V]) Get(token string, now time.Time) *Entry[V] {
	if c == nil {
		return nil
	}
	e := c.find(token, tagOf(token))
	if e != nil && !c.holds(e, now) {
		c.Remove(e)
		e = nil
	}
	if e == nil {
		c.config.Counters.misses.Add(1)
	} else {
		c.config.Counters.hits.Add(1)
	}
	return e
}

// Remove removes an entry. It does nothing if the entry was evicted before.
func (c *Cache[V]) Remove(e *Entry[V]) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.queue != nil {
		c.drop(e)
	}
}

// Stats returns the counters as they are now.
func (c *Cache[V]) Stats() Stats {
	if c == nil {
		return Stats{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return Stats{
		Hits: c.config.Counters.Hits(), Misses: c.config.Counters.Misses(),
		Entries: c.recent.entries + c.main.entries, Bytes: c.recent.bytes + c.main.bytes,
	}
}

// holds reports whether e is still valid: what it was verified with, such as the
// issuer's keys, has not changed.
func (c *Cache[V]) holds(e *Entry[V], now time.Time) bool {
	return c.config.Version(&e.Value, now) == e.Version
}

func (c *Cache[V]) bucket(tag uint64) *atomic.Pointer[Entry[V]] {
	return &c.buckets[tag&uint64(len(c.buckets)-1)]
}

// find returns the entry of a token, or nil. It computes SHA-256 of the token
// only if an entry has the token's tag.
func (c *Cache[V]) find(token string, tag uint64) *Entry[V] {
	var sum Sum
	hashed := false
	for e := c.bucket(tag).Load(); e != nil; e = e.next.Load() {
		if e.tag != tag {
			continue
		}
		if !hashed {
			sum, hashed = SumOf(token), true
		}
		if e.Sum == sum {
			e.use()
			return e
		}
	}
	return nil
}

// use notes that the entry was used, which protects it from eviction for a while.
// It does no harm if one of two concurrent notes is lost.
func (e *Entry[V]) use() {
	if uses := e.uses.Load(); uses < maxUses {
		e.uses.Store(uses + 1)
	}
}

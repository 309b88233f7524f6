package jwks

import (
	"crypto/sha256"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// cacheKey is SHA-256 of a token: of all of it, since the same claims under
// another signature are another token. The cache is its verifier's alone, so
// nothing else needs to be in the key.
type cacheKey [sha256.Size]byte

// tagOf returns by what a token is looked for before it is hashed: a short hash
// of its end, which is its signature's. That of one that is not known is nearly
// always another, so that only what is known is hashed before it is proven. It
// proves nothing: the key does.
func tagOf(token string) uint64 {
	const end = 16
	return maphash.String(seed, token[max(0, len(token)-end):])
}

// seed makes tags that nobody outside can aim at each other.
var seed = maphash.MakeSeed()

// entry is a token that was proven: facts, and no decision; not the token, nor
// its signature.
type entry struct {
	facts
	tag, sum   uint64 // see tagOf and sumOf
	key        cacheKey
	generation uint64 // of the issuer's keys by which it was proven
	weight     int

	next atomic.Pointer[entry] // in its bucket
	uses atomic.Uint32         // up to maxUses

	// These belong to the cache's lock.
	queue        *queue // nil: in none
	older, newer *entry
}

// stands reports whether the issuer's keys are still those that the token was
// proven by. Keys that are too stale prove nothing.
func (e *entry) stands(now time.Time) bool {
	return e.issuer.source.GenerationAt(now) == e.generation
}

// What an entry costs beyond the copy of its claims, roughly: in all, and for
// each value of a list.
const (
	entryOverhead = 768
	listOverhead  = 32
)

// weigh returns what an entry costs, in bytes.
func weigh(claims []byte, scopes, values int) int {
	return entryOverhead + len(claims) + scopes + listOverhead*values
}

// cache holds tokens that were proven. Reading takes no lock. What is kept is
// chosen by S3-FIFO: a new entry has to be used again while it is among the
// newest tenth to get to the others, so that no number of tokens that come once
// pushes out those in use.
type cache struct {
	maxEntries, maxBytes int
	hits, misses         counter
	flights              [16]flights
	buckets              []atomic.Pointer[entry] // a power of two

	mu        sync.Mutex // of all below, of the queues, and to change a bucket
	recent    queue      // what is new
	main      queue      // what was used again
	forgotten []uint32   // of what was recent, a part of the tag: who comes back goes to main
}

const (
	maxUses = 3
	// recentShare is how much of the cache is for what is new: a tenth.
	recentShare = 10
)

func newCache(entries, bytes int) *cache {
	places := 1
	for places < entries {
		places *= 2
	}
	return &cache{
		maxEntries: entries,
		maxBytes:   bytes,
		// Few share a bucket: each that does is looked at in far memory.
		buckets:   make([]atomic.Pointer[entry], 2*places),
		forgotten: make([]uint32, places),
	}
}

func (c *cache) bucket(tag uint64) *atomic.Pointer[entry] {
	return &c.buckets[tag&uint64(len(c.buckets)-1)]
}

// get returns the entry of a token, nil if there is none.
func (c *cache) get(token string, tag uint64) *entry {
	return c.find(token, tag, func(*entry) bool { return true })
}

// find is get, but that the token is hashed only for entries that may be its
// own.
func (c *cache) find(token string, tag uint64, may func(*entry) bool) *entry {
	var key cacheKey
	hashed := false
	for e := c.bucket(tag).Load(); e != nil; e = e.next.Load() {
		if e.tag != tag || !may(e) {
			continue
		}
		if !hashed {
			key, hashed = sha256.Sum256(bytesOf(token)), true
		}
		if e.key == key {
			if uses := e.uses.Load(); uses < maxUses {
				e.uses.Store(uses + 1)
			}
			return e
		}
	}
	return nil
}

// add adds an entry, in place of one of the same key.
func (c *cache) add(e *entry, now time.Time) {
	if e.weight > c.maxBytes {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for old := c.bucket(e.tag).Load(); old != nil; old = old.next.Load() {
		if old.key == e.key {
			c.drop(old)
			break
		}
	}
	c.bury(&c.recent, now)
	c.bury(&c.main, now)
	for c.recent.entries+c.main.entries >= c.maxEntries || c.recent.bytes+c.main.bytes+e.weight > c.maxBytes {
		c.evict()
	}
	if place := c.ghost(e.tag); *place == printOf(e.tag) {
		*place = 0
		c.main.push(e)
	} else {
		c.recent.push(e)
	}
	bucket := c.bucket(e.tag)
	e.next.Store(bucket.Load())
	bucket.Store(e)
}

// bury drops what is oldest in a queue if it is dead anyway: expired, or proven
// by keys that are gone.
func (c *cache) bury(q *queue, now time.Time) {
	for range 2 {
		e := q.oldest
		if e == nil || now.UnixNano() < e.until && e.stands(now) {
			return
		}
		c.drop(e)
	}
}

// evict drops one entry: of what is new, if that is more than its share.
func (c *cache) evict() {
	if c.recent.entries*recentShare >= c.maxEntries || c.recent.bytes*recentShare >= c.maxBytes {
		for e := c.recent.oldest; e != nil; e = c.recent.oldest {
			if e.uses.Load() == 0 {
				*c.ghost(e.tag) = printOf(e.tag)
				c.drop(e)
				return
			}
			e.uses.Store(0)
			c.recent.remove(e)
			c.main.push(e)
		}
	}
	// What was used of late comes again later. Not for ever, since others wait
	// for the lock.
	for range 64 {
		e := c.main.oldest
		if e == nil || e.uses.Load() == 0 {
			break
		}
		e.uses.Add(^uint32(0))
		c.main.remove(e)
		c.main.push(e)
	}
	if c.main.oldest != nil {
		c.drop(c.main.oldest)
	} else {
		c.drop(c.recent.oldest)
	}
}

// ghost returns where it stands whether a tag was recent, and printOf what is
// there if it was.
func (c *cache) ghost(tag uint64) *uint32 {
	return &c.forgotten[tag&uint64(len(c.forgotten)-1)]
}

func printOf(tag uint64) uint32 { return uint32(tag>>32) | 1 }

// remove removes an entry, unless it is gone already.
func (c *cache) remove(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.queue != nil {
		c.drop(e)
	}
}

// drop takes an entry out of its queue and its bucket. Who is reading there
// goes on by the entry's next, which stays.
func (c *cache) drop(e *entry) {
	e.queue.remove(e)
	for at := c.bucket(e.tag); ; {
		found := at.Load()
		if found == e {
			at.Store(e.next.Load())
			return
		}
		at = &found.next
	}
}

// size returns how many entries there are, and what they cost.
func (c *cache) size() (entries, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.recent.entries + c.main.entries, c.recent.bytes + c.main.bytes
}

// queue is a list of entries from the oldest to the newest.
type queue struct {
	oldest, newest *entry
	entries, bytes int
}

func (q *queue) push(e *entry) {
	e.queue, e.older, e.newer = q, q.newest, nil
	if q.newest == nil {
		q.oldest = e
	} else {
		q.newest.newer = e
	}
	q.newest = e
	q.entries++
	q.bytes += e.weight
}

func (q *queue) remove(e *entry) {
	if e.older == nil {
		q.oldest = e.newer
	} else {
		e.older.newer = e.newer
	}
	if e.newer == nil {
		q.newest = e.older
	} else {
		e.newer.older = e.older
	}
	e.queue, e.older, e.newer = nil, nil, nil
	q.entries--
	q.bytes -= e.weight
}

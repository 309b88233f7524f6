package tokencache

import "time"

const (
	maxUses = 3
	// recentShare is the part of the cache that new entries may fill: a tenth.
	recentShare = 10
)

// add stores an entry. It replaces an entry of the same token.
func (c *Cache[V]) add(e *Entry[V], now time.Time) {
	if e.Weight > c.config.Bytes {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for old := c.bucket(e.tag).Load(); old != nil; old = old.next.Load() {
		if old.Sum == e.Sum {
			c.drop(old)
			break
		}
	}
	c.expire(&c.recent, now)
	c.expire(&c.main, now)
	for c.recent.entries+c.main.entries >= c.config.Entries || c.recent.bytes+c.main.bytes+e.Weight > c.config.Bytes {
		c.evict()
	}
	if ghost := c.ghost(e.tag); *ghost == printOf(e.tag) {
		*ghost = 0
		c.main.push(e)
	} else {
		c.recent.push(e)
	}
	bucket := c.bucket(e.tag)
	e.next.Store(bucket.Load())
	bucket.Store(e)
}

// expire drops up to two of the oldest entries of a queue, if they have expired or
// are no longer valid.
func (c *Cache[V]) expire(q *queue[V], now time.Time) {
	for range 2 {
		e := q.oldest
		if e == nil || now.UnixNano() < e.Expires && c.holds(e, now) {
			return
		}
		c.drop(e)
	}
}

// evict drops one entry: a new one if new entries exceed their share.
func (c *Cache[V]) evict() {
	if c.recent.entries*recentShare >= c.config.Entries || c.recent.bytes*recentShare >= c.config.Bytes {
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
	// An entry that was used since the last round goes to the end of the queue
	// again. The number of steps is bounded, because other goroutines wait for
	// the lock.
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

// ghost returns the place that remembers whether an entry with this tag was
// evicted while it was new. The place then holds [printOf] of the tag. If the token
// is used again, its new entry goes straight to the main queue.
func (c *Cache[V]) ghost(tag uint64) *uint32 {
	return &c.ghosts[tag&uint64(len(c.ghosts)-1)]
}

func printOf(tag uint64) uint32 { return uint32(tag>>32) | 1 }

// drop removes an entry from its queue and its bucket. It does not clear the
// entry's next, so that a concurrent reader of the bucket can continue.
func (c *Cache[V]) drop(e *Entry[V]) {
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

// queue is a list of entries from the oldest to the newest.
type queue[V any] struct {
	oldest, newest *Entry[V]
	entries, bytes int
}

func (q *queue[V]) push(e *Entry[V]) {
	e.queue, e.older, e.newer = q, q.newest, nil
	if q.newest == nil {
		q.oldest = e
	} else {
		q.newest.newer = e
	}
	q.newest = e
	q.entries++
	q.bytes += e.Weight
}

func (q *queue[V]) remove(e *Entry[V]) {
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
	q.bytes -= e.Weight
}

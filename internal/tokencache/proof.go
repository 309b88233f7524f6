package tokencache

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Do returns the entry of a token that [Cache.Get] did not find, by calling
// prove. Of concurrent calls with the same token and version, one calls prove and
// the others wait. If an earlier call has added the entry since, Do returns it.
//
// Waiting calls receive the same entry, or the same error if it is
// [Config.Rejected]. After any other error, or a panic, each of them calls prove
// itself. prove should only compute, since no context cancels it. A call stops
// waiting when its own ctx is done, and then returns an error that wraps
// ctx.Err().
//
// now is the time at which prove's entry is stored.
func (c *Cache[V]) Do(ctx context.Context, now time.Time, token string, version uint64, prove func() (*Entry[V], error)) (*Entry[V], error) {
	if c == nil {
		return prove()
	}
	tag := tagOf(token)
	e, p, leads := c.join(token, tag, version)
	switch {
	case e != nil:
		return e, nil
	case leads:
		defer c.leave(p)
		e, err := prove()
		p.entry, p.rejected = e, err == c.config.Rejected
		if err != nil {
			return nil, err
		}
		e.tag, e.hash = tag, p.hash
		if !e.Transient {
			c.add(e, now)
		}
		return e, nil
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		return nil, fmt.Errorf("tokencache: waiting for another request's proof: %w", ctx.Err())
	}
	switch {
	case p.rejected:
		return nil, c.config.Rejected
	case p.entry != nil:
		return p.entry, nil
	}
	return prove()
}

// proof is a call of prove that is under way.
type proof[V any] struct {
	token   string
	hash    uint64 // see hashOf
	version uint64
	done    chan struct{} // nil while no other call waits
	next    *proof[V]

	// The result, valid once done is closed. Both are zero if prove panicked or
	// returned an error that is not shared.
	entry    *Entry[V]
	rejected bool
}

// proofs are the proofs under way in one of several shards. Each proof keeps a
// processor busy, so there are few.
type proofs[V any] struct {
	mu    sync.Mutex
	first *proof[V]
	spare *proof[V] // memory for the next proof
	_     [40]byte  // fills the cache line
}

func (c *Cache[V]) shard(hash uint64) *proofs[V] { return &c.proofs[hash%uint64(len(c.proofs))] }

// join returns the token's entry if there is one by now, and otherwise the proof
// that is under way. If there is no proof either, join begins one: the caller
// leads, and must call leave.
func (c *Cache[V]) join(token string, tag, version uint64) (e *Entry[V], p *proof[V], leads bool) {
	hash := hashOf(token)
	s := c.shard(hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := s.first; p != nil; p = p.next {
		if p.hash == hash && p.version == version && p.token == token {
			if p.done == nil {
				p.done = make(chan struct{})
			}
			return nil, p, false
		}
	}
	// A previous leader adds its entry before it leaves.
	if e := c.findHashed(token, tag, hash, version); e != nil {
		return e, nil, false
	}
	p = s.spare
	if p == nil {
		p = new(proof[V])
	}
	s.spare = nil
	*p = proof[V]{token: token, hash: hash, version: version, next: s.first}
	s.first = p
	return nil, p, true
}

// findHashed is find while a lock is held: it compares the full hash before it
// computes SHA-256.
func (c *Cache[V]) findHashed(token string, tag, hash, version uint64) *Entry[V] {
	for e := c.bucket(tag).Load(); e != nil; e = e.next.Load() {
		if e.tag == tag && e.hash == hash && e.Version == version && e.Sum == SumOf(token) {
			e.use()
			return e
		}
	}
	return nil
}

// leave ends a proof and wakes the calls that wait for it.
func (c *Cache[V]) leave(p *proof[V]) {
	s := c.shard(p.hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	for at := &s.first; *at != nil; at = &(*at).next {
		if *at == p {
			*at = p.next
			break
		}
	}
	p.token = "" // waiting calls hold p, but no longer need the token
	if p.done != nil {
		close(p.done)
		return
	}
	*p = proof[V]{} // no other call has seen p
	s.spare = p
}

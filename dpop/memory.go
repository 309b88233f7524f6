package dpop

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// MemoryConfig configures a [MemoryReplays].
type MemoryConfig struct {
	// Capacity is how many proofs are remembered at the same time; when there
	// are more, new ones are refused. Default: 400,000, which is 5,000 proofs
	// a second for the 80 s that one is held at most by default. There is
	// always a bound. A proof costs 160 bytes of memory at most.
	Capacity int

	// PerKey is how many of them may be of one key, so that no client can use
	// up what is there for all. Default: a sixteenth of Capacity: of 400,000
	// that is some 310 proofs a second. Negative: no quota.
	PerKey int
}

// MemoryReplays is a [ReplayStore] in memory, for a program of one instance. It
// forgets no proof before its time, whatever is asked of it, and has no
// goroutine: what has expired goes when the next proof comes.
type MemoryReplays struct {
	capacity, perKey int
	seed             maphash.Seed
	live             atomic.Int64 // all shards together
	swept            atomic.Int64 // all buckets before this one are gone
	shards           [shardCount]shard
}

var _ ReplayStore = (*MemoryReplays)(nil)

const (
	shardCount = 64

	// bucketWidth is how long a proof may stay after its time. Fewer buckets
	// are faster to look through, and longer ones hold more of what is over.
	bucketWidth = 10 * time.Second

	defaultCapacity = 400_000
)

// shard holds all the proofs of some keys, so that it can count them.
type shard struct {
	mu      sync.Mutex
	buckets []bucket
	_       [64]byte // shards do not share a cache line
}

// bucket holds the proofs whose time ends in the same span, and goes as a
// whole. It counts them by key, hashed: two keys that share a hash share a
// quota, and nobody can find such, since the seed is secret.
type bucket struct {
	span   int64
	proofs map[[32]byte]struct{}
	counts map[uint64]uint32
}

// NewMemoryReplays builds a MemoryReplays.
func NewMemoryReplays(c MemoryConfig) (*MemoryReplays, error) {
	var errs []error
	if c.Capacity < 0 {
		errs = append(errs, errors.New("dpop: MemoryConfig.Capacity is negative; there must be a bound, zero is the default"))
	}
	capacity := orDefault(c.Capacity, defaultCapacity)
	if c.PerKey > capacity {
		errs = append(errs, fmt.Errorf("dpop: MemoryConfig.PerKey is %d; want at most Capacity, %d", c.PerKey, capacity))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	perKey := orDefault(c.PerKey, max(capacity/16, 1))
	if c.PerKey < 0 {
		perKey = math.MaxInt
	}
	return &MemoryReplays{capacity: capacity, perKey: perKey, seed: maphash.MakeSeed()}, nil
}

// Burn implements [ReplayStore].
func (m *MemoryReplays) Burn(_ context.Context, jkt string, key [32]byte, until time.Time) (fresh bool, err error) {
	m.sweep()
	client := maphash.String(m.seed, jkt)
	s := &m.shards[client%shardCount]
	s.mu.Lock()
	defer s.mu.Unlock()
	count, at, span := 0, -1, spanOf(until)
	for i, b := range s.buckets {
		if b.span == span {
			at = i
		}
		n := b.counts[client]
		if n == 0 {
			continue // key says whose it is, so it is not here either
		}
		if _, used := b.proofs[key]; used {
			return false, nil
		}
		count += int(n)
	}
	if count >= m.perKey {
		return false, ErrQuota
	}
	if m.live.Add(1) > int64(m.capacity) {
		m.live.Add(-1)
		return false, ErrFull
	}
	if at < 0 {
		at = len(s.buckets)
		s.buckets = append(s.buckets, bucket{span, map[[32]byte]struct{}{}, map[uint64]uint32{}})
	}
	s.buckets[at].proofs[key] = struct{}{}
	s.buckets[at].counts[client]++
	return true, nil
}

// MemoryStats are the figures of a [MemoryReplays].
type MemoryStats struct {
	Live     int // proofs that are remembered
	Capacity int
}

// Stats returns the figures.
func (m *MemoryReplays) Stats() MemoryStats {
	m.sweep()
	return MemoryStats{Live: int(m.live.Load()), Capacity: m.capacity}
}

func spanOf(t time.Time) int64 { return t.Unix() / int64(bucketWidth/time.Second) }

// sweep drops the buckets whose span is over, once in each.
func (m *MemoryReplays) sweep() {
	now, swept := spanOf(time.Now()), m.swept.Load()
	if now <= swept || !m.swept.CompareAndSwap(swept, now) {
		return
	}
	for i := range m.shards {
		m.live.Add(-m.shards[i].sweep(now))
	}
}

// sweep returns how many proofs it dropped.
func (s *shard) sweep(now int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	dropped, kept := int64(0), s.buckets[:0]
	for _, b := range s.buckets {
		if b.span < now {
			dropped += int64(len(b.proofs))
		} else {
			kept = append(kept, b)
		}
	}
	clear(s.buckets[len(kept):])
	s.buckets = kept
	return dropped
}

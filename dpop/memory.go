package dpop

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bearerkit/bearerkit/internal/setting"
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

	// PerOwner is how many of them may be of tokens for one user, or of those
	// that one client got for itself, whatever their keys: a client can make as
	// many keys as it likes. Default: a sixteenth of Capacity. Negative: no
	// quota.
	PerOwner int
}

// MemoryReplays is a [ReplayStore] in memory, for a program of one instance. It
// forgets no proof before its time, whatever is asked of it and however the
// clock is set. It has no goroutine: what has expired goes when the next proof
// comes.
type MemoryReplays struct {
	capacity, perKey, perOwner int

	began  time.Time // spans are counted from here, by the monotonic clock
	seed   maphash.Seed
	live   atomic.Int64 // all shards together
	swept  atomic.Int64 // all buckets before this span are gone
	shards [shardCount]shard
	owners [shardCount]quota
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
	proofs map[proofHash]struct{}
	counts map[uint64]uint32
}

// proofHash is the first half of a proof's ID. Two proofs that share it, which
// nobody comes upon by chance, are taken for one: the second is refused.
type proofHash [16]byte

// quota counts the proofs of some owners, by the span in which their time ends.
type quota struct {
	mu     sync.Mutex
	counts []spanCounts
	_      [64]byte
}

type spanCounts struct {
	span   int64
	counts map[uint64]uint32
}

// NewMemoryReplays builds a MemoryReplays.
func NewMemoryReplays(c MemoryConfig) (*MemoryReplays, error) {
	var errs []error
	if c.Capacity < 0 {
		errs = append(errs, errors.New("dpop: MemoryConfig.Capacity is negative; there must be a bound, zero is the default"))
	}
	capacity := setting.OrDefault(c.Capacity, defaultCapacity)
	share := func(field string, n int) int {
		if n > capacity {
			errs = append(errs, fmt.Errorf("dpop: MemoryConfig.%s is %d; want at most Capacity, %d", field, n, capacity))
		}
		if n < 0 {
			return math.MaxInt
		}
		return setting.OrDefault(n, max(capacity/16, 1))
	}
	m := &MemoryReplays{
		capacity: capacity, perKey: share("PerKey", c.PerKey), perOwner: share("PerOwner", c.PerOwner),
		began: time.Now(), seed: maphash.MakeSeed(),
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return m, nil
}

// Burn implements [ReplayStore].
func (m *MemoryReplays) Burn(_ context.Context, proof UsedProof) (fresh bool, err error) {
	return m.burn(&proof, time.Since(m.began), proof.Until.Sub(m.began))
}

// burn knows no clock but the monotonic one: now and until are counted from the
// store's beginning.
func (m *MemoryReplays) burn(proof *UsedProof, now, until time.Duration) (fresh bool, err error) {
	m.sweep(now)
	hash, span := proofHash(proof.ID[:len(proofHash{})]), spanOf(until)
	client := maphash.String(m.seed, proof.JKT)
	s := &m.shards[client%shardCount]
	s.mu.Lock()
	defer s.mu.Unlock()
	count, at := 0, -1
	for i, b := range s.buckets {
		if b.span == span {
			at = i
		}
		n := b.counts[client]
		if n == 0 {
			continue // the hash says whose it is, so it is not here either
		}
		if _, used := b.proofs[hash]; used {
			return false, nil
		}
		count += int(n)
	}
	if count >= m.perKey {
		return false, ErrQuota
	}
	if err := m.charge(proof.Owner, span); err != nil {
		return false, err
	}
	if at < 0 {
		at = len(s.buckets)
		s.buckets = append(s.buckets, bucket{span, map[proofHash]struct{}{}, map[uint64]uint32{}})
	}
	s.buckets[at].proofs[hash] = struct{}{}
	s.buckets[at].counts[client]++
	return true, nil
}

// charge counts one more proof, of that owner and in all, if both may have one.
func (m *MemoryReplays) charge(owner [32]byte, span int64) error {
	if owner == ([32]byte{}) {
		return m.countLive()
	}
	hash := maphash.Bytes(m.seed, owner[:])
	q := &m.owners[hash%shardCount]
	q.mu.Lock()
	defer q.mu.Unlock()
	count, at := 0, -1
	for i, c := range q.counts {
		if c.span == span {
			at = i
		}
		count += int(c.counts[hash])
	}
	if count >= m.perOwner {
		return ErrQuota
	}
	if err := m.countLive(); err != nil {
		return err
	}
	if at < 0 {
		at = len(q.counts)
		q.counts = append(q.counts, spanCounts{span, map[uint64]uint32{}})
	}
	q.counts[at].counts[hash]++
	return nil
}

func (m *MemoryReplays) countLive() error {
	if m.live.Add(1) > int64(m.capacity) {
		m.live.Add(-1)
		return ErrFull
	}
	return nil
}

// MemoryStats are the figures of a [MemoryReplays].
type MemoryStats struct {
	Live     int // proofs that are remembered
	Capacity int
}

// Stats returns the figures.
func (m *MemoryReplays) Stats() MemoryStats {
	m.sweep(time.Since(m.began))
	return MemoryStats{Live: int(m.live.Load()), Capacity: m.capacity}
}

func spanOf(d time.Duration) int64 { return int64(d / bucketWidth) }

// sweep drops the buckets whose span is over, once in each.
func (m *MemoryReplays) sweep(at time.Duration) {
	now, swept := spanOf(at), m.swept.Load()
	if now <= swept || !m.swept.CompareAndSwap(swept, now) {
		return
	}
	for i := range m.shards {
		m.live.Add(-m.shards[i].sweep(now))
		m.owners[i].sweep(now)
	}
}

// sweep returns how many proofs it dropped.
func (s *shard) sweep(now int64) (dropped int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buckets = slices.DeleteFunc(s.buckets, func(b bucket) bool {
		if b.span >= now {
			return false
		}
		dropped += int64(len(b.proofs))
		return true
	})
	return dropped
}

func (q *quota) sweep(now int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.counts = slices.DeleteFunc(q.counts, func(c spanCounts) bool { return c.span < now })
}

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
	// Capacity is the maximum number of proofs remembered at the same time.
	// When the store is full, new proofs are rejected. Default: 400,000, which
	// allows 5,000 proofs a second, because by default a proof is held for at
	// most 80 s. It must not be negative. A proof takes at most 160 bytes of
	// memory.
	Capacity int

	// PerKey is the maximum number of proofs by one key, so that one client
	// cannot fill the store. Default: a sixteenth of Capacity, which is about
	// 310 proofs a second for a Capacity of 400,000. Negative: no quota.
	PerKey int

	// PerOwner is the maximum number of proofs, by any keys, for the tokens of
	// one user, or for the tokens that one client got for itself. Clients can
	// create keys freely, so PerKey alone does not limit them. Default: a
	// sixteenth of Capacity. Negative: no quota.
	PerOwner int
}

// MemoryReplays is a [ReplayStore] in memory, for a program with one instance.
// Use [NewMemoryReplays] to build one. It never forgets a proof early, even under
// load or if the clock is changed. It starts no goroutine; it evicts expired
// proofs when the next proof arrives.
type MemoryReplays struct {
	capacity, perKey, perOwner int

	began  time.Time // spans count from here, by the monotonic clock
	seed   maphash.Seed
	live   atomic.Int64 // the number of proofs in all shards
	swept  atomic.Int64 // buckets before this span have been evicted
	shards [shardCount]shard
	owners [shardCount]quota
}

var _ ReplayStore = (*MemoryReplays)(nil)

const (
	shardCount = 64

	// bucketWidth is how long a proof may stay after it expires. Wider buckets
	// are fewer, so lookups are faster, but they hold more expired proofs.
	bucketWidth = 10 * time.Second

	defaultCapacity = 400_000
)

// shard holds all proofs of some keys, so that it can count the proofs of each
// key.
type shard struct {
	mu      sync.Mutex
	buckets []bucket
	_       [64]byte // keeps shards on separate cache lines
}

// bucket holds the proofs that expire in the same span and is evicted as a
// whole. It counts them by the hash of their key. Two keys with the same hash
// share a quota; an attacker cannot find such keys, because the seed is secret.
type bucket struct {
	span   int64
	proofs map[proofHash]struct{}
	counts map[uint64]uint32
}

// proofHash is the first half of a proof's ID. If two proofs have the same
// half, the second is rejected as a replay. 128 bits make that practically
// impossible.
type proofHash [16]byte

// quota counts the proofs of some owners, by the span in which they expire.
type quota struct {
	mu     sync.Mutex
	counts []spanCounts
	_      [64]byte
}

type spanCounts struct {
	span   int64
	counts map[uint64]uint32
}

// NewMemoryReplays returns an empty MemoryReplays. It reports all mistakes in
// the configuration at once.
func NewMemoryReplays(c MemoryConfig) (*MemoryReplays, error) {
	var errs []error
	if c.Capacity < 0 {
		errs = append(errs, fmt.Errorf("dpop: MemoryConfig.Capacity is %d; want a positive number, or zero for the default", c.Capacity))
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

// burn is Burn by the monotonic clock: now and until count from m.began.
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
			continue // the ID includes the key, so this bucket cannot have the proof
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

// charge counts one more proof for its owner and in total, unless a limit is
// reached.
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

// MemoryStats holds statistics of a [MemoryReplays].
type MemoryStats struct {
	Live     int // number of proofs in the store
	Capacity int
}

// Stats returns current statistics.
func (m *MemoryReplays) Stats() MemoryStats {
	m.sweep(time.Since(m.began))
	return MemoryStats{Live: int(m.live.Load()), Capacity: m.capacity}
}

func spanOf(d time.Duration) int64 { return int64(d / bucketWidth) }

// sweep evicts the buckets whose span is over. It does so once per span.
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

// sweep returns the number of evicted proofs.
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

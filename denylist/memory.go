package denylist

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
)

// MemoryConfig configures a [Memory].
type MemoryConfig struct {
	// Capacity is the maximum number of entries. Each takes at most
	// about 400 bytes, and usually 250.
	// Default: 100,000. It must not be negative.
	Capacity int

	// Leeway is how far the clocks of issuers may differ. It is added to
	// [Entry.IssuedBefore] and [Entry.Until]. Set it to the longest Leeway of
	// your verifiers. Default: 5 s, which is also the verifiers' default.
	// Maximum: [MaxLeeway]. Negative: none.
	Leeway time.Duration
}

const defaultCapacity = 100_000

// ErrFull is the error of [Memory.Deny] when the list is full.
var ErrFull = errors.New("denylist: the list is full")

// Memory is a [List] in the memory of one process; its entries are lost when
// the process ends. It is safe for concurrent use. Use [NewMemory] to build
// one; the zero Memory is not usable.
type Memory struct {
	capacity int
	leeway   time.Duration
	mu       sync.RWMutex
	entries  map[Key]stored
	swept    time.Time
}

// maxValue is the longest value that the list stores as it is: it stores the hash
// of a longer one. So no issuer can make the list's memory grow by long names.
const maxValue = 128

// hashed marks the Kind of a key whose Value is a hash.
const hashed Kind = 0x80

// shorten returns the key under which the list stores the entry of k.
func shorten(k Key) Key {
	if len(k.Value) <= maxValue {
		return k
	}
	sum := sha256.Sum256([]byte(k.Value))
	return Key{k.Kind | hashed, k.Issuer, string(sum[:])}
}

// stored is an entry in the list. end is Until by the monotonic clock, so that
// an entry is not swept early if the wall clock is ahead for a while.
type stored struct {
	Times
	end time.Time
}

func newStored(t Times, now time.Time) stored { return stored{t, now.Add(t.Until.Sub(now))} }

// expired reports whether the entry has expired by both clocks.
func (s stored) expired(now time.Time) bool { return !s.Until.After(now) && !s.end.After(now) }

var _ List = (*Memory)(nil)

// NewMemory returns an empty Memory. It reports all mistakes in the
// configuration at once.
func NewMemory(c MemoryConfig) (*Memory, error) {
	var errs []error
	if c.Capacity < 0 {
		errs = append(errs, fmt.Errorf("denylist: MemoryConfig.Capacity is %d; want a positive number, or zero for the default", c.Capacity))
	}
	leeway, err := Leeway(c.Leeway)
	if err != nil {
		errs = append(errs, fmt.Errorf("denylist: MemoryConfig.Leeway is %w", err))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if c.Capacity == 0 {
		c.Capacity = defaultCapacity
	}
	return &Memory{capacity: c.Capacity, leeway: leeway, entries: make(map[Key]stored)}, nil
}

// Deny implements [List]. Entries are never evicted before they expire: if the
// list is full, the error is [ErrFull].
func (m *Memory) Deny(_ context.Context, e Entry) error {
	key, err := e.Check()
	if err != nil {
		return err
	}
	key = shorten(key)
	m.mu.Lock()
	defer m.mu.Unlock()
	now, times := time.Now(), e.Times(m.leeway)
	if !times.Until.After(now) {
		return nil
	}
	existing, known := m.entries[key]
	if !known && len(m.entries) >= m.capacity && !m.sweep(now) {
		return ErrFull
	}
	m.entries[key] = newStored(times.Merge(existing.Times, now), now)
	return nil
}

// sweep removes expired entries and reports whether there is room for another.
// It does so at most once a second, because it visits every entry.
func (m *Memory) sweep(now time.Time) bool {
	if now.Sub(m.swept) < time.Second {
		return false
	}
	m.swept = now
	for key, t := range m.entries {
		if t.expired(now) {
			delete(m.entries, key)
		}
	}
	return len(m.entries) < m.capacity
}

// MemoryStats describes a [Memory], for metrics.
type MemoryStats struct {
	Entries  int // that have not expired
	Capacity int
}

// Stats returns current statistics. It visits every entry, so call it every few
// seconds at most.
func (m *Memory) Stats() MemoryStats {
	m.mu.RLock()
	defer m.mu.RUnlock()
	stats := MemoryStats{Capacity: m.capacity}
	now := time.Now()
	for _, t := range m.entries {
		if !t.expired(now) {
			stats.Entries++
		}
	}
	return stats
}

// Lift implements [List].
func (m *Memory) Lift(_ context.Context, e Entry) error {
	key, err := e.Key()
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.entries, shorten(key))
	return nil
}

// Denied implements bearer.DenyList. It never fails.
func (m *Memory) Denied(_ context.Context, p *bearer.Principal) (bool, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if len(m.entries) == 0 {
		return false, nil
	}
	keys, n := Keys(p)
	for _, key := range keys[:n] {
		if t, known := m.entries[shorten(key)]; known && t.Denies(p, time.Now()) {
			return true, nil
		}
	}
	return false, nil
}

package denylist

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
)

// MemoryConfig configures a [Memory].
type MemoryConfig struct {
	// Capacity is how many entries there may be at the same time, at some 250
	// bytes each. Default: 100,000; there is always a bound.
	Capacity int

	// Leeway is how far the clocks of issuers may be off: [Entry.IssuedBefore]
	// and [Entry.Until] are extended by it. Set it to the longest Leeway of your
	// verifiers. Default: 5 s, which is theirs too. At most 5 min; negative is
	// none.
	Leeway time.Duration
}

// ErrFull is the error of Deny when a [Memory] holds all that it may.
var ErrFull = errors.New("denylist: there is no room for another entry")

// Memory is a [List] in memory, of one instance of a program, and gone with it.
// It is safe for concurrent use. Its zero value is not usable; see [NewMemory].
type Memory struct {
	capacity int
	leeway   time.Duration
	mu       sync.RWMutex
	entries  map[Key]kept
	swept    time.Time
}

// kept is an entry as it is kept. Its end is Until by the monotonic clock: a
// clock that was ahead for a while makes no entry end early.
type kept struct {
	Times
	end time.Time
}

func keptFrom(t Times, now time.Time) kept { return kept{t, now.Add(t.Until.Sub(now))} }

// hasEnded reports whether both clocks say that the entry has ended.
func (k kept) hasEnded(now time.Time) bool { return !k.Until.After(now) && !k.end.After(now) }

var _ List = (*Memory)(nil)

// NewMemory builds a Memory.
func NewMemory(c MemoryConfig) (*Memory, error) {
	var errs []error
	if c.Capacity < 0 {
		errs = append(errs, fmt.Errorf("denylist: MemoryConfig.Capacity is %d; there must be a bound, zero is the default", c.Capacity))
	}
	leeway, err := Leeway(c.Leeway)
	if err != nil {
		errs = append(errs, fmt.Errorf("denylist: MemoryConfig.Leeway is %w", err))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if c.Capacity == 0 {
		c.Capacity = 100_000
	}
	return &Memory{capacity: c.Capacity, leeway: leeway, entries: make(map[Key]kept)}, nil
}

// Deny implements [List]. No entry ever makes room for another: if there is
// none, the error is [ErrFull].
func (m *Memory) Deny(_ context.Context, e Entry) error {
	key, err := e.Check()
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now, times := time.Now(), e.Times(m.leeway)
	if !times.Until.After(now) {
		return nil
	}
	there, known := m.entries[key]
	if !known && len(m.entries) >= m.capacity && !m.sweep(now) {
		return ErrFull
	}
	m.entries[key] = keptFrom(times.Over(there.Times, now), now)
	return nil
}

// sweep drops the entries that have ended, once in a second at most, since it
// looks at all of them. It reports whether there is room.
func (m *Memory) sweep(now time.Time) bool {
	if now.Sub(m.swept) < time.Second {
		return false
	}
	m.swept = now
	for key, t := range m.entries {
		if t.hasEnded(now) {
			delete(m.entries, key)
		}
	}
	return len(m.entries) < m.capacity
}

// Lift implements [List].
func (m *Memory) Lift(_ context.Context, e Entry) error {
	key, err := e.Key()
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.entries, key)
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
		if t, known := m.entries[key]; known && t.Denies(p, time.Now()) {
			return true, nil
		}
	}
	return false, nil
}

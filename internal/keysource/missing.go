package keysource

import (
	"hash/maphash"
	"time"
)

// maxMissing bounds the memory of missing keys.
const maxMissing = 1024

// missing remembers what was not in a set that was fetched to look for it, so
// that asking again does not spend the budget again. It forgets after a while,
// and the oldest first when it is full.
type missing struct {
	keep time.Duration
	// seed makes hashes that nobody outside can aim at another's key ID.
	seed  maphash.Seed
	until map[uint64]time.Time
	order [maxMissing]uint64 // a ring of the hashes in until, oldest first
	first int
}

func newMissing(keep time.Duration) missing {
	return missing{keep: keep, seed: maphash.MakeSeed(), until: make(map[uint64]time.Time)}
}

func (m *missing) hash(q Query) uint64 {
	q.Issued = time.Time{} // it says nothing of the key
	return maphash.Comparable(m.seed, q)
}

func (m *missing) has(q Query, now time.Time) bool {
	until, ok := m.until[m.hash(q)]
	return ok && now.Before(until)
}

func (m *missing) add(q Query, now time.Time) {
	for len(m.until) > 0 && !now.Before(m.until[m.order[m.first]]) {
		m.forgetOldest()
	}
	h := m.hash(q)
	if _, ok := m.until[h]; ok {
		return
	}
	if len(m.until) == maxMissing {
		m.forgetOldest()
	}
	m.order[(m.first+len(m.until))%maxMissing] = h
	m.until[h] = now.Add(m.keep)
}

func (m *missing) forgetOldest() {
	delete(m.until, m.order[m.first])
	m.first = (m.first + 1) % maxMissing
}

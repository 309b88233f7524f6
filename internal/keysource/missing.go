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
	notes map[uint64]note
	order [maxMissing]uint64 // a ring of the hashes in notes, oldest first
	first int
}

// note says that a key was not in a set.
type note struct {
	until time.Time
	// issued is up to when tokens were issued for which this is certain: they
	// were there before the set was fetched.
	issued time.Time
}

func newMissing(keep time.Duration) missing {
	return missing{keep: keep, seed: maphash.MakeSeed(), notes: make(map[uint64]note)}
}

func (m *missing) hash(q Query) uint64 {
	q.Issued, q.Leeway = time.Time{}, 0 // they say nothing of the key
	return maphash.Comparable(m.seed, q)
}

// has reports whether the key of q is known to be missing in set. What was
// looked for before says nothing of a newer token: its sender must not be shut
// out by somebody who guessed the next key's ID.
func (m *missing) has(q Query, set *keySet, now time.Time) bool {
	n, ok := m.notes[m.hash(q)]
	return ok && now.Before(n.until) && (!q.newerThan(set) || !q.Issued.After(n.issued))
}

// add notes that the key of q is missing in set, which was fetched after the
// token came. A token whose iat is later than that is not believed.
func (m *missing) add(q Query, set *keySet, now time.Time) {
	for len(m.notes) > 0 && !now.Before(m.notes[m.order[m.first]].until) {
		m.forgetOldest()
	}
	issued := q.Issued
	if issued.After(set.fetched) {
		issued = set.fetched
	}
	h := m.hash(q)
	if n, ok := m.notes[h]; ok {
		n.issued = later(n.issued, issued)
		m.notes[h] = n
		return
	}
	if len(m.notes) == maxMissing {
		m.forgetOldest()
	}
	m.order[(m.first+len(m.notes))%maxMissing] = h
	m.notes[h] = note{until: now.Add(m.keep), issued: issued}
}

func (m *missing) forgetOldest() {
	delete(m.notes, m.order[m.first])
	m.first = (m.first + 1) % maxMissing
}

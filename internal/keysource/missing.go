package keysource

import (
	"hash/maphash"
	"time"
)

// maxMissing bounds the memory of missing keys.
const maxMissing = 1024

// missing remembers the keys that a fetch did not find, so that another query for
// them does not spend the budget again. An entry expires after a while, and the
// oldest is evicted when missing is full.
type missing struct {
	keep time.Duration
	// seed prevents attackers from choosing a key ID that collides with another.
	seed  maphash.Seed
	notes map[uint64]note // nil before the first
	order []uint64        // a ring of the hashes in notes, oldest first
	first int
}

// note records that a key was missing from a set.
type note struct {
	until time.Time
	// issued is the latest iat to which the note applies. The set was fetched
	// after such tokens were issued, so it would have their key.
	issued time.Time
}

func newMissing(keep time.Duration) missing {
	return missing{keep: keep, seed: maphash.MakeSeed()}
}

func (m *missing) hash(q Query) uint64 {
	q.Issued, q.Leeway = time.Time{}, 0 // these do not identify the key
	return maphash.Comparable(m.seed, q)
}

// has reports whether the key of q is known to be missing from set. A note does
// not apply to a newer token: an attacker who guesses the ID of the next key must
// not shut out the tokens that it will sign.
func (m *missing) has(q Query, set *keySet, now time.Time) bool {
	n, ok := m.notes[m.hash(q)]
	return ok && now.Before(n.until) && (!q.newerThan(set) || !q.Issued.After(n.issued))
}

// add notes that the key of q is missing from set, which was fetched after the
// token arrived. An iat later than the fetch must be false, so the note then uses
// the time of the fetch.
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
	if m.notes == nil {
		m.notes, m.order = make(map[uint64]note), make([]uint64, maxMissing)
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

package models

import (
	"maps"
	"time"
)

// Proof is a used DPoP proof.
type Proof struct {
	ID, Key, Owner string
	Until          time.Time
}

// Burned is the answer to the use of a proof.
type Burned string

// The answers of a store of used proofs.
const (
	Fresh Burned = "fresh" // not used before
	Used  Burned = "used"  // a replay
	Quota Burned = "quota" // the key or the owner has reached its quota
	Full  Burned = "full"
)

// Replays is the model of a dpop.ReplayStore (RFC 9449, Section 11.1). A proof is
// fresh once, and is remembered at least until its time has come. The store may
// forget it somewhat later, and until then counts it.
type Replays struct {
	Capacity, PerKey, PerOwner int           // zero: no limit
	Late                       time.Duration // how long an expired proof may stay

	used map[string]usedProof // by ID
}

type usedProof struct {
	Proof
	gone time.Time // when the store has certainly forgotten it
}

// Clone returns a copy.
func (m *Replays) Clone() *Replays {
	c := *m
	c.used = maps.Clone(m.used)
	return &c
}

// Burn reports whether the answer to a use of p is right.
func (m *Replays) Burn(now time.Time, p Proof, got Burned) bool {
	known, found := m.used[p.ID]
	if found && now.Before(known.Until) {
		return got == Used
	}
	least := m.count(p, func(u usedProof) bool { return now.Before(u.Until) })
	most := m.count(p, func(u usedProof) bool { return now.Before(u.gone) })
	switch got {
	case Used:
		return found && now.Before(known.gone)
	case Quota:
		return m.quotaReached(p, most)
	case Full:
		return reached(m.Capacity, most.all)
	case Fresh:
		if m.quotaReached(p, least) || reached(m.Capacity, least.all) {
			return false
		}
		if m.used == nil {
			m.used = map[string]usedProof{}
		}
		gone := p.Until
		if gone.Before(now) {
			gone = now
		}
		m.used[p.ID] = usedProof{p, gone.Add(m.Late)}
		return true
	}
	return false
}

// Live reports whether n can be the number of proofs in the store.
func (m *Replays) Live(now time.Time, n int) bool {
	least := m.count(Proof{}, func(u usedProof) bool { return now.Before(u.Until) }).all
	most := m.count(Proof{}, func(u usedProof) bool { return now.Before(u.gone) }).all
	return least <= n && n <= most && (m.Capacity == 0 || n <= m.Capacity)
}

type proofCounts struct{ all, key, owner int }

// count counts the proofs in the store that fulfil a condition: all of them, those
// of the same key as p, and those of the same owner.
func (m *Replays) count(p Proof, condition func(usedProof) bool) (n proofCounts) {
	for _, u := range m.used {
		if !condition(u) {
			continue
		}
		n.all++
		if u.Key == p.Key {
			n.key++
		}
		if u.Owner == p.Owner && p.Owner != "" {
			n.owner++
		}
	}
	return n
}

func (m *Replays) quotaReached(p Proof, n proofCounts) bool {
	return reached(m.PerKey, n.key) || reached(m.PerOwner, n.owner)
}

func reached(limit, n int) bool { return limit > 0 && n >= limit }

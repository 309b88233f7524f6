package models

import (
	"slices"
	"time"
)

// Lookup is the lookup of a key, from a time to a time.
type Lookup struct {
	KeyID    string
	Issued   time.Time // the token's iat; zero: none
	Leeway   time.Duration
	From, To time.Time
}

// Found is the answer to a lookup.
type Found string

// The answers to a lookup other than the material of the key.
const (
	Unknown     Found = "unknown"
	Unavailable Found = "unavailable"
)

// maxWait is how long a lookup may wait.
const maxWait = 9 * time.Second

// Lookup reports whether the answer to a lookup is right. published is the material
// of the key that the issuer has offered since the lookup began, or empty if the
// issuer has no such key or does not work.
func (m *Keys) Lookup(l Lookup, got Found, published string) bool {
	if l.To.Sub(l.From) > maxWait {
		return false
	}
	if known, ok := m.Usable(l.From)[l.KeyID]; ok {
		return got == Found(known) && l.To.Equal(l.From) // a known key never waits
	}
	if published != "" && m.noticed(l) {
		return got == Found(published)
	}
	// The answer must be right at the beginning, or after a fetch that ended
	// meanwhile.
	if m.right(l, l.From, got) {
		return true
	}
	for _, f := range slices.Backward(m.fetches) {
		if f.Ended.Before(l.From) {
			break
		}
		if !f.Ended.After(l.To) && m.right(l, f.Ended, got) {
			return true
		}
	}
	return got == Unavailable && l.To.Sub(l.From) == maxWait
}

// noticed reports whether a lookup must notice that the issuer has a new key. It
// causes a fetch if the budget allows it, unless the last fetch failed or the key was
// missing a moment ago.
func (m *Keys) noticed(l Lookup) bool {
	m.count(l.From)
	last, _ := m.last(l.From)
	known, noted := m.absent[l.KeyID]
	return !last.Ended.IsZero() && last.good() && m.left >= 1 && !(noted && l.From.Sub(known.at) <= m.Budget)
}

// right reports whether an answer is right at a time during a lookup.
func (m *Keys) right(l Lookup, at time.Time, got Found) bool {
	last, set := m.last(at)
	usable := m.Usable(at)
	material, ok := usable[l.KeyID]
	newer := !l.Issued.IsZero() && l.Issued.Add(l.Leeway).After(set.Began)
	switch got {
	case Unknown:
		// The set must be new enough to prove that the issuer has no such key,
		// also for a token that says it is newer than the set (C7a).
		known := m.absent[l.KeyID]
		proven := !set.Began.Before(l.From)
		noted := at.Sub(known.at) <= m.Budget && !l.Issued.After(known.issued)
		if usable == nil || ok || !last.good() || newer && !proven && !noted {
			return false
		}
		m.note(l, at, set.Began)
		return true
	case Unavailable:
		return usable == nil || !ok && (!last.good() || newer)
	}
	return ok && got == Found(material)
}

// note remembers that a key was missing from a set that was requested at a time.
func (m *Keys) note(l Lookup, at, began time.Time) {
	issued := l.Issued
	if issued.After(began) {
		issued = began
	}
	if known := m.absent[l.KeyID]; known.issued.After(issued) {
		issued = known.issued
	}
	if m.absent == nil {
		m.absent = map[string]absence{}
	}
	m.absent[l.KeyID] = absence{at, issued}
}

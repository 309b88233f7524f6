package models

import (
	"maps"
	"time"
)

// DenialKey selects the tokens of a deny list entry: a kind, such as "sub", the
// issuer, and the value.
type DenialKey struct{ Kind, Issuer, Value string }

// Denial is a deny list entry. A zero Before denies tokens of any age.
type Denial struct{ Before, Until time.Time }

// Denials is the model of a denylist.List. The leeway counts for both times of an
// entry.
type Denials struct {
	Capacity int // zero: no limit
	Leeway   time.Duration

	entries map[DenialKey]Denial // with the leeway added
}

// sweepPause is how long an expired entry may still take room.
const sweepPause = time.Second

// Clone returns a copy.
func (m *Denials) Clone() *Denials {
	c := *m
	c.entries = maps.Clone(m.entries)
	return &c
}

// Deny reports whether the answer to a new entry is right. full says that the list
// refused the entry because it is full.
func (m *Denials) Deny(now time.Time, key DenialKey, d Denial, full bool) bool {
	d.Until = d.Until.Add(m.Leeway)
	if !d.Before.IsZero() {
		d.Before = d.Before.Add(m.Leeway)
	}
	if !d.Until.After(now) {
		return !full // an expired entry denies nothing, and needs no room
	}
	old, known := m.entries[key]
	known = known && old.Until.After(now)
	if full {
		return !known && reached(m.Capacity, m.count(now.Add(-sweepPause)))
	}
	if !known && reached(m.Capacity, m.count(now)) {
		return false
	}
	if known { // an entry never becomes weaker
		if old.Until.After(d.Until) {
			d.Until = old.Until
		}
		if old.Before.IsZero() || !d.Before.IsZero() && old.Before.After(d.Before) {
			d.Before = old.Before
		}
	}
	if m.entries == nil {
		m.entries = map[DenialKey]Denial{}
	}
	m.entries[key] = d
	return true
}

// Lift removes an entry, if there is one.
func (m *Denials) Lift(key DenialKey) bool {
	delete(m.entries, key)
	return true
}

// Denied reports whether a token with these keys is denied. A zero issued means that
// the token has no iat.
func (m *Denials) Denied(now time.Time, keys []DenialKey, issued time.Time) bool {
	for _, key := range keys {
		d, known := m.entries[key]
		spared := !d.Before.IsZero() && !issued.IsZero() && issued.Unix() > d.Before.Unix()
		if known && d.Until.After(now) && !spared {
			return true
		}
	}
	return false
}

// count counts the entries that had not expired at a time.
func (m *Denials) count(at time.Time) (n int) {
	for _, d := range m.entries {
		if d.Until.After(at) {
			n++
		}
	}
	return n
}

package models

import (
	"slices"
	"time"
)

// KeyFetch is a request for an issuer's keys and its result.
type KeyFetch struct {
	Began, Ended time.Time
	Keys         map[string]string // materials by key ID; nil: the response was no key set
	Fresh        time.Duration     // as the issuer says; negative: it says nothing
	RetryAfter   time.Duration
}

func (f KeyFetch) good() bool { return len(f.Keys) > 0 }

// Lookup is the lookup of a key, from a time to a time.
type Lookup struct {
	KeyID    string
	Issued   time.Time // the token's iat; zero: none
	Leeway   time.Duration
	From, To time.Time
}

// Found is the answer to a lookup: the material of the key, Unknown or Unavailable.
type Found string

// The answers without a key.
const (
	Unknown     Found = "unknown"
	Unavailable Found = "unavailable"
)

// maxWait is how long a lookup may wait.
const maxWait = 9 * time.Second

// Keys is the model of the answers of a key source.
type Keys struct {
	Budget, MaxStale time.Duration

	fetches []KeyFetch // that have ended
	unknown []Lookup   // whose answer was Unknown
}

// last returns the last fetch that had ended at a time, and the last one with a key
// set. Either may be zero.
func (m *Keys) last(at time.Time) (last, set KeyFetch) {
	for _, f := range slices.Backward(m.fetches) {
		if last.Ended.IsZero() && !f.Ended.After(at) {
			last = f
		}
		if f.Keys != nil && !f.Ended.After(at) {
			return last, f
		}
	}
	return last, set
}

// Usable returns the keys that are usable at a time, or nil. They come from the
// newest set, and no set is used for longer than MaxStale.
func (m *Keys) Usable(at time.Time) map[string]string {
	_, set := m.last(at)
	if !set.good() || at.Sub(set.Began) >= m.MaxStale {
		return nil
	}
	return set.Keys
}

// Lookup reports whether the answer to a lookup is right. noticed is the material of
// the key if the lookup had to find it by a fetch, or empty.
func (m *Keys) Lookup(l Lookup, got Found, noticed string) bool {
	waited := l.To.Sub(l.From)
	if known, ok := m.Usable(l.From)[l.KeyID]; ok {
		return got == Found(known) && waited == 0 // a known key never waits
	}
	if noticed != "" {
		return got == Found(noticed) && waited <= maxWait
	}
	// The answer must be right at the beginning, or after a fetch that ended
	// meanwhile.
	right := m.right(l, l.From, got)
	for _, f := range slices.Backward(m.fetches) {
		if right || f.Ended.Before(l.From) {
			break
		}
		right = !f.Ended.After(l.To) && m.right(l, f.Ended, got)
	}
	return right && waited <= maxWait || got == Unavailable && waited == maxWait
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
		proven := !newer || !set.Began.Before(l.From) || m.noted(l.KeyID, l.Issued, at)
		if usable == nil || ok || !last.good() || !proven {
			return false
		}
		l.Issued = earlier(l.Issued, set.Began) // no set proves anything about later tokens
		m.unknown = append(m.unknown, l)
		return true
	case Unavailable:
		return usable == nil || !ok && (!last.good() || newer)
	}
	return ok && got == Found(material)
}

// noted reports whether a key was unknown within Budget, for a token no older.
func (m *Keys) noted(keyID string, issued, at time.Time) bool {
	return slices.ContainsFunc(m.unknown, func(l Lookup) bool {
		return l.KeyID == keyID && at.Sub(l.To) <= m.Budget && !issued.After(l.Issued)
	})
}

package models

import "time"

// KeyFetch is a request for an issuer's keys and its result.
type KeyFetch struct {
	Began, Ended time.Time
	Failed       bool              // the response was no key set
	Keys         map[string]string // materials by key ID; empty: none is usable
	Fresh        time.Duration     // as the issuer says; negative: it says nothing
	RetryAfter   time.Duration
}

func (f KeyFetch) good() bool { return !f.Failed && len(f.Keys) > 0 }

// Keys is the model of a key source. It learns of each fetch, judges whether the
// fetch may begin, and knows which keys are usable.
type Keys struct {
	Budget, MaxStale time.Duration

	fetches  []KeyFetch // that have ended
	failures int        // in a row
	budget   float64    // the most that may be left of the budget for unknown keys
	left     float64    // the least
	counted  time.Time  // when both were computed
	absent   map[string]absence
}

// absence is proof that a key was missing: at a time, for tokens up to an iat.
type absence struct{ at, issued time.Time }

// last returns the last fetch that had ended at a time, and the fetch that brought
// the keys of that time. Either may be zero.
func (m *Keys) last(at time.Time) (last, keys KeyFetch) {
	for i := len(m.fetches) - 1; i >= 0; i-- {
		switch f := m.fetches[i]; {
		case f.Ended.After(at):
			continue
		case last.Ended.IsZero():
			last = f
			fallthrough
		default:
			if !f.Failed {
				return last, f
			}
		}
	}
	return last, KeyFetch{}
}

// Usable returns the keys that are usable at a time, or nil. They come from the
// newest set, and no set is used for longer than MaxStale.
func (m *Keys) Usable(at time.Time) map[string]string {
	_, f := m.last(at)
	if !f.good() || at.Sub(f.Began) >= m.MaxStale {
		return nil
	}
	return f.Keys
}

// End adds a fetch that has ended.
func (m *Keys) End(f KeyFetch) {
	m.failures++
	if f.good() {
		m.failures = 0
	}
	m.fetches = append(m.fetches, f)
}

// Overdue reports whether a fetch should have begun in the background.
func (m *Keys) Overdue(now time.Time) bool {
	_, latest := m.next(now)
	return now.After(latest.Add(time.Millisecond))
}

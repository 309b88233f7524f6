package models

import "time"

// KeyFetches is the model of the requests of a key source: when it may fetch, in the
// background or for an unknown key, and when it must.
type KeyFetches struct {
	*Keys

	failures int // in a row

	// What may be left of the budget for unknown keys: one fetch each Budget, and
	// at most two. A fetch costs a Budget of time.
	most, least time.Duration
	counted     time.Time
}

// Begin reports whether a fetch may begin.
func (m *KeyFetches) Begin(now time.Time) bool {
	m.count(now)
	m.least = max(m.least-m.Budget, 0)
	if earliest, _ := m.next(now); !now.Before(earliest) {
		return true
	}
	last, _ := m.last(now)
	if !last.good() && now.Before(last.Ended.Add(min(last.RetryAfter, time.Minute))) ||
		m.Usable(now) == nil && now.Sub(last.Ended) < 2*time.Second {
		return false
	}
	m.most -= m.Budget
	return m.most >= 0
}

// End adds a fetch that has ended.
func (m *KeyFetches) End(f KeyFetch) {
	m.failures++
	if f.good() {
		m.failures = 0
	}
	m.fetches = append(m.fetches, f)
}

// Overdue reports whether a fetch should have begun in the background.
func (m *KeyFetches) Overdue(now time.Time) bool {
	_, latest := m.next(now)
	return now.After(latest.Add(time.Millisecond))
}

// Due reports whether the lookup of an unknown key must cause a fetch: the budget
// allows it, the last fetch did not fail, and the key was not unknown a moment ago.
func (m *KeyFetches) Due(now time.Time, keyID string) bool {
	m.count(now)
	last, _ := m.last(now)
	return last.good() && m.least >= m.Budget && !m.noted(keyID, time.Time{}, now)
}

// count adds to the budget what time has brought.
func (m *KeyFetches) count(now time.Time) {
	full := 2 * m.Budget
	more := min(now.Sub(m.counted), full)
	m.most, m.least, m.counted = min(m.most+more, full), min(m.least+more, full), now
}

// next returns the earliest and the latest time of the fetch in the background that
// follows the last one.
func (m *KeyFetches) next(now time.Time) (earliest, latest time.Time) {
	last, set := m.last(now)
	switch {
	case last.Ended.IsZero():
		return now, now
	case last.good():
		fresh := last.Fresh
		if fresh < 0 {
			fresh = 5 * time.Minute
		}
		fresh = min(max(fresh, time.Minute), 24*time.Hour, m.MaxStale/2)
		return last.Ended.Add(fresh * 80 / 100), last.Ended.Add(fresh * 95 / 100)
	}
	first, most := 100*time.Millisecond, 2*time.Second
	usable := m.Usable(last.Ended) != nil
	if usable {
		first, most = time.Second, time.Minute
	}
	wait := min(first<<min(m.failures-1, 20), most)
	earliest, latest = last.Ended.Add(wait*3/4), last.Ended.Add(max(wait, 30*time.Second))
	if usable {
		latest = last.Ended.Add(wait)
		earliest = earlier(earliest, set.Began.Add(m.MaxStale))
	}
	asked := min(last.RetryAfter, time.Minute)
	return later(earliest, last.Ended.Add(asked)), later(latest, last.Ended.Add(asked*9/8))
}

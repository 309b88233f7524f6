package models

import "time"

// next returns the earliest and the latest time of the fetch in the background that
// follows the last one.
func (m *Keys) next(now time.Time) (earliest, latest time.Time) {
	last, keys := m.last(now)
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
		if end := keys.Began.Add(m.MaxStale); end.Before(earliest) {
			earliest = end
		}
	}
	asked := min(last.RetryAfter, time.Minute)
	return later(earliest, last.Ended.Add(asked)), later(latest, last.Ended.Add(asked*9/8))
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// count adds to the budget what time has brought: one fetch each Budget, and at most
// two.
func (m *Keys) count(now time.Time) {
	if m.counted.IsZero() {
		m.budget, m.left = 2, 2
	}
	more := float64(now.Sub(m.counted)) / float64(m.Budget)
	m.budget, m.left, m.counted = min(m.budget+more, 2), min(m.left+more, 2), now
}

// Begin reports whether a fetch may begin: in the background, or for an unknown key.
func (m *Keys) Begin(now time.Time) bool {
	m.count(now)
	m.left = max(m.left-1, 0)
	if earliest, _ := m.next(now); !now.Before(earliest) {
		return true
	}
	last, _ := m.last(now)
	if !last.good() && now.Before(last.Ended.Add(min(last.RetryAfter, time.Minute))) ||
		m.Usable(now) == nil && now.Sub(last.Ended) < 2*time.Second {
		return false
	}
	m.budget--
	return m.budget > -0.001
}

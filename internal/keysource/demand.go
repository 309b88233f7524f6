package keysource

import "time"

// afterRetry is how long after the time for a retry lookups wait again for a
// refresh. A source in use has made the retry by then, in the background.
const afterRetry = time.Minute

// current returns the keys that lookups may use at the time now without waiting, or
// nil. It never locks.
func (s *Source) current(now time.Time) *keySet {
	// In this order: keys that were replaced since are not overdue, but old.
	if s.overdue(now) {
		return nil
	}
	if set := s.set.Load(); set.usable(now) {
		return set
	}
	return nil
}

// overdue reports whether lookups wait for a refresh. A source with
// [Config.OnDemand] may have been idle for long, and the issuer may have withdrawn
// a key meanwhile. So lookups do not use its keys once they are no longer fresh,
// unless a refresh began in time, in the background: that may take as long as it
// does for other sources. If the refresh fails, the keys at hand count until they
// are stale, and no other lookup waits for a minute or two.
func (s *Source) overdue(now time.Time) bool {
	if !s.config.OnDemand {
		return false
	}
	fresh := s.fresh.Load()
	return fresh != nil && elapsed(*fresh, now) >= 0
}

// setFresh makes lookups wait for a refresh after the time d. The caller holds
// s.mu.
func (s *Source) setFresh(now time.Time, d time.Duration) {
	if s.config.OnDemand && !s.closed {
		until := now.Add(d)
		s.fresh.Store(&until)
	}
}

// Touch says that a token of the issuer was verified. A source with
// [Config.OnDemand] then refreshes its keys when they are due, at once if that time
// has passed, and does not refresh them again before the next Touch. Touch never
// waits for a fetch. It locks, so call it at most once a second.
func (s *Source) Touch() {
	if s.static || !s.config.OnDemand {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.armed || s.flight != nil {
		return
	}
	s.armed = true
	s.setTimer(time.Until(s.due))
}

// Rest makes a source with [Config.OnDemand] fetch nothing until the next Touch or
// lookup.
func (s *Source) Rest() {
	if s.static || !s.config.OnDemand {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopTimer()
}

// Fetching reports whether a fetch is under way.
func (s *Source) Fetching() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.flight != nil
}

package keysource

import "time"

// Touch says that a token of the issuer was verified. A source with
// [Config.OnDemand] then refreshes its keys when they are due, at once if they are
// overdue, and does not refresh them again before the next Touch. Touch never
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
// lookup of an unknown key.
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

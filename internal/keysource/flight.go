package keysource

import (
	"context"
	"fmt"
	"time"
)

// flight is one fetch, which all lookups that need a fetch share. Its context
// belongs to the source, so that a caller that gives up does not end the fetch for
// the others.
type flight struct {
	landed chan struct{}
	err    error // read only after landed is closed
}

// origin fetches the keys: over HTTP or from a file.
type origin interface {
	fetch(ctx context.Context) (delivery, error)
}

// fly makes the fetch of a flight. Fetches are made one at a time, and the next one
// waits until the last one is logged and OnFetch has returned.
func (s *Source) fly(f *flight) {
	s.turn.Lock()
	defer s.turn.Unlock()
	d, err := s.fetch()
	s.land(f, d, err)
	s.report()
}

// fetchBy fetches from an origin until ctx, which belongs to the source, is done.
func fetchBy(ctx context.Context, from origin) (delivery, error) {
	if ctx.Err() != nil {
		return delivery{}, errClosed
	}
	bounded, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	d, err := from.fetch(bounded)
	switch {
	case err == nil || err == errNoUsable:
	case ctx.Err() != nil:
		err = errClosed
	case bounded.Err() != nil:
		err = fmt.Errorf("%w: %w", errTimeout, err)
	}
	return d, err
}

func (s *Source) count(change func(*Stats)) {
	s.mu.Lock()
	change(&s.stats)
	s.mu.Unlock()
}

func newFlight() *flight { return &flight{landed: make(chan struct{})} }

// request begins a flight. The caller holds s.mu, s is not closed, and there is no
// flight.
func (s *Source) request() *flight {
	if !s.overdue(time.Now()) {
		s.fresh.Store(nil) // nobody waits for a refresh that began in time
	}
	f := newFlight()
	s.flight = f
	s.flights.Go(func() { s.fly(f) })
	return f
}

// setTimer sets the timer for the next flight. The caller holds s.mu.
func (s *Source) setTimer(d time.Duration) {
	if s.timer == nil {
		s.timer = time.AfterFunc(d, s.wake)
		return
	}
	s.timer.Reset(d)
}

// stopTimer stops the timer. The caller holds s.mu.
func (s *Source) stopTimer() {
	s.armed = false
	if s.timer != nil {
		s.timer.Stop()
	}
}

// wake begins the flight that is due. The timer calls it.
func (s *Source) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed && s.flight == nil && !time.Now().Before(s.due) {
		s.request()
	}
}

// land stores the result of a flight, releases the waiters, and sets the timer for
// the next flight. The caller holds s.turn.
func (s *Source) land(f *flight, d delivery, err error) {
	now := time.Now()
	old := s.set.Load() // only land stores
	set, random := s.arrange(old, d, err), s.config.Random
	if set != old {
		s.set.Store(set)
	}

	s.mu.Lock()
	switch {
	case set.usable(now):
		s.lacking = time.Time{}
	case s.lacking.IsZero():
		s.lacking = now
	}
	switch {
	case err == nil:
		s.failed = failure{}
		fresh := max(d.fresh, minBackoff)
		s.setFresh(now, fresh)
		// Refresh after 80 to 95 % of the time: before the keys expire, and not
		// at the same moment as other instances that started together.
		s.due = now.Add(fresh*80/100 + random(fresh*15/100+1))
	case s.config.File != "": // a read is cheap and causes no request
		s.failed = s.failed.failed(err, now, random)
		s.due = now.Add(jitter(filePause, random))
	default:
		s.failed = s.failed.failed(err, now, random)
		s.due = s.failed.retry(set, s.lacking, random)
	}
	due := s.due
	if err != nil {
		s.setFresh(now, due.Sub(now)+afterRetry)
	}
	s.armed = false
	if !s.closed && !s.config.OnDemand {
		s.setTimer(due.Sub(now))
	}
	s.flight = nil
	f.err = err
	close(f.landed)
	s.mu.Unlock()

	if err != errClosed {
		s.journal.landed(old, set, err, due)
	}
}

// arrange returns the set that is current after a flight.
func (s *Source) arrange(old *keySet, d delivery, err error) *keySet {
	switch {
	case err != nil && err != errNoUsable:
		return old
	case d.same:
		set := *old
		set.fetched = d.at
		return &set
	}
	set := newKeySet(d.set, s.config.File != "")
	set.fetched, set.maxStale = d.at, s.config.MaxStale
	set.generation = 1
	if old != nil {
		set.generation = old.generation
		if set.print != old.print {
			set.generation++
		}
	}
	return set
}

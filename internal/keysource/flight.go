package keysource

import (
	"context"
	"fmt"
	"math/rand/v2"
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

// own is the owner goroutine. It makes all fetches, one at a time.
func (s *Source) own(ctx context.Context) {
	defer close(s.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-timer.C:
		}
		if ctx.Err() != nil {
			s.shut()
			return
		}
		f, due := s.depart()
		if f != nil {
			d, err := s.fly(ctx)
			due = s.land(f, d, err)
		}
		timer.Reset(time.Until(due))
	}
}

func (s *Source) count(change func(*Stats)) {
	s.mu.Lock()
	change(&s.stats)
	s.mu.Unlock()
}

// depart returns the flight that was requested or is due. Otherwise it returns nil
// and the time when one is due.
func (s *Source) depart() (*flight, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flight == nil && !time.Now().Before(s.due) {
		s.flight = newFlight()
	}
	return s.flight, s.due
}

func newFlight() *flight { return &flight{landed: make(chan struct{})} }

// request requests a flight from the owner goroutine. The caller holds s.mu, and
// there is no flight.
func (s *Source) request() *flight {
	s.flight = newFlight()
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return s.flight
}

func (s *Source) fly(ctx context.Context) (delivery, error) {
	bounded, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	d, err := s.origin.fetch(bounded)
	switch {
	case err == nil || err == errNoUsable:
	case ctx.Err() != nil:
		err = errClosed
	case bounded.Err() != nil:
		err = fmt.Errorf("%w: %w", errTimeout, err)
	}
	return d, err
}

// land stores the result of a flight, releases the waiters, and returns when the
// next flight is due.
func (s *Source) land(f *flight, d delivery, err error) time.Time {
	now := time.Now()
	old := s.set.Load() // only this goroutine stores
	set := s.arrange(old, d, err)
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
		// Refresh after 80 to 95 % of the time: before the keys expire, and not
		// at the same moment as other instances that started together.
		s.due = now.Add(fresh*80/100 + rand.N(fresh*15/100+1))
	case s.config.File != "": // a read is cheap and causes no request
		s.failed = s.failed.failed(err, now)
		s.due = now.Add(jitter(filePause))
	default:
		s.failed = s.failed.failed(err, now)
		s.due = s.failed.retry(set, s.lacking)
	}
	due := s.due
	s.flight = nil
	f.err = err
	close(f.landed)
	s.mu.Unlock()

	if err != errClosed {
		s.journal.landed(old, set, err, due)
	}
	return due
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

// shut closes the source and releases the waiters of a flight that will not begin.
func (s *Source) shut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.flight != nil {
		s.flight.err = errClosed
		close(s.flight.landed)
		s.flight = nil
	}
}

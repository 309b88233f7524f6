package keysource

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// flight is one fetch, which everybody who needs one waits for. Its context is
// the source's own: no waiter that goes away ends it for the others.
type flight struct {
	landed chan struct{}
	err    error // to be read after landed is closed
}

// origin is where keys come from.
type origin interface {
	fetch(ctx context.Context) (delivery, error)
}

// own is the owner goroutine: it makes all the fetches, one at a time.
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

// depart returns the flight that was asked for, or one that is due; or nil,
// and when one will be.
func (s *Source) depart() (*flight, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flight == nil && !time.Now().Before(s.due) {
		s.flight = newFlight()
	}
	return s.flight, s.due
}

func newFlight() *flight { return &flight{landed: make(chan struct{})} }

// request asks the owner goroutine for a flight. s.mu is held, and there is no
// flight.
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

// land stores what the flight brought, lets the waiters go, and returns when
// the next one is due.
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
		// 80 to 95 % of the time, so that programs which were started together
		// do not ask together, and the keys are there before they are due.
		s.due = now.Add(fresh*80/100 + rand.N(fresh*15/100+1))
	case s.config.File != "": // reading it is cheap, and nobody else's work
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

// arrange returns the set that is at hand after a flight.
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

// shut releases those who wait for a flight that will not depart.
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

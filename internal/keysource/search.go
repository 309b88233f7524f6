package keysource

import (
	"context"
	"fmt"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/jose"
)

// search answers a query that the set at hand does not: by waiting for a
// flight, or two, where the first had begun before the query came.
func (s *Source) search(ctx context.Context, q query) ([]*jose.Key, uint64, error) {
	if s.static {
		return nil, 0, s.unavailableNow(nil)
	}
	v := s.judge(q, false)
	if v.wait == nil {
		return v.keys, v.generation, v.err
	}
	defer s.waiting.Add(-1)
	if s.waiting.Add(1) > maxWaiting {
		return nil, 0, s.unavailableNow(errCrowded)
	}
	deadline := time.NewTimer(fetchTime)
	defer deadline.Stop()
	for conclusive := false; ; {
		select {
		case <-v.wait.landed:
		case <-ctx.Done():
			return nil, 0, fmt.Errorf("keysource: waiting for the keys of %q: %w", s.name(), ctx.Err())
		case <-deadline.C:
			return nil, 0, s.unavailableNow(errTimeout)
		}
		if err := v.wait.err; err != nil {
			return nil, 0, s.unavailableNow(err)
		}
		conclusive = conclusive || !v.joined
		next := s.judge(q, conclusive)
		if next.wait == nil {
			return next.keys, next.generation, next.err
		}
		// Whatever flight this is, it begins after the query came.
		conclusive, v = true, next
	}
}

// verdict is an answer, or a flight to wait for.
type verdict struct {
	keys       []*jose.Key
	generation uint64
	err        error

	wait   *flight
	joined bool // it had begun before
}

// judge decides about a query. It is conclusive that a key is not in the set
// at hand if a flight has landed that began after the query came.
func (s *Source) judge(q query, conclusive bool) verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	set := s.set.Load()
	usable := set.usable(now)
	if usable {
		keys, err := q.find(set)
		if err != ErrUnknownKey {
			return verdict{keys: keys, generation: set.generation, err: err}
		}
		if conclusive {
			s.remember(q, now)
			return verdict{err: ErrUnknownKey}
		}
		if s.missing.has(q, now) {
			return verdict{err: s.unknown(now)}
		}
	}
	switch {
	case s.closed:
		return verdict{err: s.unavailable(now, errClosed)}
	case s.flight != nil:
		return verdict{wait: s.flight, joined: true}
	case usable && !s.budget.take(now):
		return verdict{err: s.unknown(now)}
	case !usable && s.resting(now):
		return verdict{err: s.unavailable(now, nil)}
	}
	return verdict{wait: s.request()}
}

// remember notes that q was looked for and not found. What Missed asks for is
// not the absence of a key, and is not remembered.
func (s *Source) remember(q query, now time.Time) {
	if q.after == 0 {
		s.missing.add(q, now)
	}
}

// resting reports whether the last fetch failed so short a time ago that a
// request must not cause the next.
func (s *Source) resting(now time.Time) bool {
	return s.failed.err != nil && now.Before(s.due) && now.Sub(s.failed.at) < maxBackoff
}

// unknown is the error of a key that is not in the set at hand, and for which
// nothing is fetched.
func (s *Source) unknown(now time.Time) error {
	if s.failed.err != nil {
		return s.unavailable(now, nil)
	}
	return ErrUnknownKey
}

// unavailable is the error for a source that cannot tell, because of cause;
// nil: the last fetch's failure.
func (s *Source) unavailable(now time.Time, cause error) error {
	switch {
	case cause != nil:
	case s.static:
		cause = errNoUsable
	case s.failed.err != nil:
		cause = s.failed.err
	default:
		cause = errNoneYet
	}
	// An unknown key's next fetch need not wait for that of the background.
	after := min(s.due.Sub(now), s.config.RefreshBudget)
	return &UnavailableError{Issuer: s.name(), RetryAfter: max(after, time.Second), Err: cause}
}

func (s *Source) unavailableNow(cause error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unavailable(time.Now(), cause)
}

func (s *Source) name() string {
	if s.config.Issuer != "" {
		return s.config.Issuer
	}
	return fetch.Redact(s.config.JWKSURI)
}

package keysource

import (
	"context"
	"fmt"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
)

// Search answers a query for an unknown key. It waits for the fetch that is under
// way, or requests one if the budget allows it. It waits until ctx is done, but
// at most 9 s, and not at all while 4096 others wait. Its errors are those of
// [Source.Lookup].
//
// With [Config.OnDemand] it also answers a query for a known key that is overdue
// for a refresh. It then waits for the refresh, and answers by the keys at hand if
// there is none in that time.
func (s *Source) Search(ctx context.Context, q Query) (Candidates, error) {
	if s.static {
		if s.set.Load().usable(time.Now()) {
			return Candidates{}, ErrUnknownKey
		}
		return Candidates{}, s.unavailableNow(nil)
	}
	// A flight that had begun before the query came may have missed the key, so
	// the query waits for a second flight.
	v := s.judge(q, false)
	if v.wait == nil {
		return v.found, v.err
	}
	defer s.waiting.Add(-1)
	if s.waiting.Add(1) > maxWaiting {
		return s.giveUp(v, q, errCrowded)
	}
	deadline := time.NewTimer(fetchTime)
	defer deadline.Stop()
	for conclusive := false; ; {
		select {
		case <-v.wait.landed:
		case <-ctx.Done():
			return Candidates{}, fmt.Errorf("keysource: waiting for the keys of %q: %w", s.name(), ctx.Err())
		case <-deadline.C:
			return s.giveUp(v, q, errTimeout)
		}
		if err := v.wait.err; err != nil {
			return s.giveUp(v, q, err)
		}
		conclusive = conclusive || !v.joined
		next := s.judge(q, conclusive)
		if next.wait == nil {
			return next.found, next.err
		}
		// This flight begins after the query came.
		conclusive, v = true, next
	}
}

// giveUp answers a query after v.wait failed or took too long.
func (s *Source) giveUp(v verdict, q Query, cause error) (Candidates, error) {
	if set := s.set.Load(); v.known && set.usable(time.Now()) {
		return q.find(set)
	}
	return Candidates{}, s.unavailableNow(cause)
}

// verdict is the answer to a query, or a flight to wait for.
type verdict struct {
	found Candidates
	err   error

	wait   *flight
	joined bool // wait had begun before the query came
	known  bool // the key is known, and wait refreshes it
}

// judge answers a query or returns the flight to wait for. The absence of a key
// is conclusive if a flight that began after the query came has landed.
func (s *Source) judge(q Query, conclusive bool) verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	set := s.set.Load()
	usable := set.usable(now)
	if usable {
		found, err := q.find(set)
		if err != ErrUnknownKey {
			if s.overdue(now) {
				return s.awaitRefresh()
			}
			return verdict{found: found, err: err}
		}
		if conclusive {
			s.remember(q, set, now)
			return verdict{err: ErrUnknownKey}
		}
		if s.missing.has(q, set, now) {
			return verdict{err: s.absent(now)}
		}
	}
	switch {
	case s.closed:
		return verdict{err: s.unavailable(now, errClosed)}
	case s.flight != nil:
		return verdict{wait: s.flight, joined: true}
	case s.failed.asked.After(now):
		return verdict{err: s.unavailable(now, nil)}
	case usable && !s.budget.take(now):
		return verdict{err: s.unknown(q, set, now)}
	case !usable && s.resting(now):
		return verdict{err: s.unavailable(now, nil)}
	}
	return verdict{wait: s.request()}
}

// awaitRefresh returns the verdict on a query for a known key that is overdue for a
// refresh. The caller holds s.mu.
func (s *Source) awaitRefresh() verdict {
	if s.flight != nil {
		return verdict{wait: s.flight, joined: true, known: true}
	}
	return verdict{wait: s.request(), known: true}
}

// remember notes that the key of q is missing. It ignores a query of Missed,
// which looks for newer keys and not for a certain key.
func (s *Source) remember(q Query, set *keySet, now time.Time) {
	if q.after == 0 {
		s.missing.add(q, set, now)
	}
}

// resting reports whether a source without keys must not fetch for a request:
// because the last fetch failed a moment ago, or because the budget is spent. The
// budget matters once the background retries have become rare.
func (s *Source) resting(now time.Time) bool {
	return s.failed.err != nil && now.Before(s.due) &&
		(now.Sub(s.failed.at) < maxBackoff || !s.budget.take(now))
}

// unknown returns the error for a key that is not in set, while the budget allows
// no fetch. A newer key may have signed a token that is newer than the set
// (conformance C7a). The token's age is unverified, so it only chooses between two
// refusals.
func (s *Source) unknown(q Query, set *keySet, now time.Time) error {
	if s.failed.err == nil && q.newerThan(set) {
		err := s.unavailable(now, errTooNew)
		err.Suspect = true
		return err
	}
	return s.absent(now)
}

// absent returns the error for a key that is not in the current set, which is the
// newest unless the last fetch failed.
func (s *Source) absent(now time.Time) error {
	if s.failed.err != nil {
		return s.unavailable(now, nil)
	}
	return ErrUnknownKey
}

// unavailable returns the error for a query that cannot be answered now. A nil
// cause stands for the failure of the last fetch.
func (s *Source) unavailable(now time.Time, cause error) *UnavailableError {
	switch {
	case cause != nil:
	case s.static:
		cause = errNoUsable
	case s.failed.err != nil:
		cause = s.failed.err
	default:
		cause = errNoneYet
	}
	return &UnavailableError{
		Issuer: s.name(), RetryAfter: max(s.next(now).Sub(now), time.Second), Err: cause, Hint: hint(cause),
	}
}

// next returns the earliest time at which a fetch can begin, in the background or
// for a request.
func (s *Source) next(now time.Time) time.Time {
	if s.static || s.flight != nil {
		return now
	}
	asked := s.budget.next(now)
	if s.failed.err != nil && !s.set.Load().usable(now) {
		asked = later(asked, s.failed.at.Add(maxBackoff))
	}
	asked = later(asked, s.failed.asked)
	if s.due.Before(asked) {
		return s.due
	}
	return asked
}

func (s *Source) unavailableNow(cause error) *UnavailableError {
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

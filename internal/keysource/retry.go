package keysource

import (
	"errors"
	"time"

	"github.com/bearerkit/bearerkit/internal/discovery"
	"github.com/bearerkit/bearerkit/internal/fetch"
)

const (
	// While keys are usable, retries back off.
	minStaleBackoff = time.Second
	maxStaleBackoff = time.Minute

	// Without keys every request fails, so the first retries come quickly.
	// Later the pause is 1/150 of the time without keys: 2 s in the first 5
	// minutes, and 30 s from 75 minutes on. A recovery is noticed within that
	// pause, or sooner by a request, which may fetch within the budget.
	minBackoff   = 100 * time.Millisecond
	maxBackoff   = 2 * time.Second
	slowdown     = 150
	slowestRetry = 30 * time.Second

	// maxAsked bounds the issuer's Retry-After. Without keys every token is
	// answered 503, and the issuer must not prolong that by more than a minute.
	maxAsked = time.Minute
)

// failure describes the last fetch, if it failed.
type failure struct {
	err   error
	at    time.Time
	count int // failures in a row
	// asked is when the issuer's Retry-After ends. It is zero if there was none.
	asked time.Time
}

// failed returns the failure that follows f.
func (f failure) failed(err error, now time.Time, random func(n time.Duration) time.Duration) failure {
	next := failure{err: err, at: now, count: f.count + 1}
	if wait := min(retryAfter(err), maxAsked); wait > 0 {
		// Spread the retries of programs that were refused at the same time.
		next.asked = now.Add(wait + random(wait/8+1))
	}
	return next
}

// retry returns when the background retries after f. lacking is when the last
// usable key was lost, or zero if the keys of set are usable.
func (f failure) retry(set *keySet, lacking time.Time, random func(n time.Duration) time.Duration) time.Time {
	var at time.Time
	if lacking.IsZero() {
		at = f.at.Add(jitter(doubled(minStaleBackoff, maxStaleBackoff, f.count), random))
		if end := set.end(); end.Before(at) {
			at = end
		}
	} else {
		slow := min(f.at.Sub(lacking)/slowdown, slowestRetry)
		at = f.at.Add(jitter(max(doubled(minBackoff, maxBackoff, f.count), slow), random))
	}
	return later(at, f.asked)
}

// retryAfter returns the Retry-After of a failed fetch, or zero if there was none.
// If several URLs were tried, it returns the longest.
func retryAfter(err error) (wait time.Duration) {
	errs := []error{err}
	if found, ok := errors.AsType[*discovery.Error](err); ok {
		errs = found.Unwrap()
	}
	for _, err := range errs {
		if status, ok := errors.AsType[*fetch.StatusError](err); ok {
			wait = max(wait, status.RetryAfter)
		}
	}
	return wait
}

// doubled returns first, doubled for each failure after the first, but no more
// than most.
func doubled(first, most time.Duration, failures int) time.Duration {
	for ; failures > 1 && first < most; failures-- {
		first *= 2
	}
	return min(first, most)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

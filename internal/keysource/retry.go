package keysource

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/bearerkit/bearerkit/internal/discovery"
	"github.com/bearerkit/bearerkit/internal/fetch"
)

const (
	// While keys serve, a failing issuer is asked with growing pauses.
	minStaleBackoff = time.Second
	maxStaleBackoff = time.Minute

	// Without keys nothing is served, so the issuer is asked quickly at first.
	// Later the pause is a part of the time without keys, here 1/150: 2 s in
	// the first 5 minutes, and 30 s from 75 minutes on. A recovery is noticed
	// that soon, and a request that needs a key asks at once, out of the
	// budget.
	minBackoff   = 100 * time.Millisecond
	maxBackoff   = 2 * time.Second
	slowdown     = 150
	slowestRetry = 30 * time.Second

	// maxAsked bounds what a Retry-After can ask for. While no key is at hand
	// every token is answered 503, so no server may prolong that by more than
	// a minute, whatever it sends.
	maxAsked = time.Minute
)

// failure is how the last fetch failed.
type failure struct {
	err   error
	at    time.Time
	count int // of failures in a row
	// asked is until when the issuer asked not to be asked again; zero if it
	// did not.
	asked time.Time
}

// failed returns the failure that follows f.
func (f failure) failed(err error, now time.Time) failure {
	next := failure{err: err, at: now, count: f.count + 1}
	if wait := min(retryAfter(err), maxAsked); wait > 0 {
		// Programs that were refused together do not come back together.
		next.asked = now.Add(wait + rand.N(wait/8+1))
	}
	return next
}

// retry returns when the background tries again after f. lacking is since when
// there are no keys; zero if those of set serve.
func (f failure) retry(set *keySet, lacking time.Time) time.Time {
	var at time.Time
	if lacking.IsZero() {
		at = f.at.Add(jitter(doubled(minStaleBackoff, maxStaleBackoff, f.count)))
		if end := set.end(); end.Before(at) {
			at = end
		}
	} else {
		slow := min(f.at.Sub(lacking)/slowdown, slowestRetry)
		at = f.at.Add(jitter(max(doubled(minBackoff, maxBackoff, f.count), slow)))
	}
	return later(at, f.asked)
}

// retryAfter returns what a failed fetch was asked to wait: the longest, if
// several places were asked. A place that knows nothing says nothing.
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

// doubled returns first, doubled for each failure after the first, up to most.
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

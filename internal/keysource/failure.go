package keysource

import (
	"errors"
	"fmt"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
)

// ErrUnknownKey is the error of a key that is not among the issuer's, as seen
// in a set that is fresh enough to say so.
var ErrUnknownKey = errors.New("keysource: the issuer has no such key")

// ErrKeyAlgorithm is the error of a key that the issuer has, but not for the
// algorithm asked for. It never causes a fetch.
var ErrKeyAlgorithm = errors.New("keysource: the key is not for this algorithm")

var (
	errClosed   = errors.New("the key source is closed")
	errNoneYet  = errors.New("no keys have been fetched yet")
	errTimeout  = fmt.Errorf("no answer within %v", fetchTime)
	errNoUsable = errors.New("the issuer publishes no usable key")
	errCrowded  = fmt.Errorf("%d others wait for the keys already", maxWaiting)
)

// UnavailableError says that nobody can tell whether a key is the issuer's:
// its keys cannot be had now.
type UnavailableError struct {
	Issuer string
	// RetryAfter is when it makes sense to ask again, at least a second.
	RetryAfter time.Duration
	// Err is the cause, for logs. It is not unwrapped: it may be the context
	// error of the source's own fetch, and is not to be taken for the caller's.
	Err error
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("keysource: the keys of %q are unavailable: %v", e.Issuer, e.Err)
}

// failure is how the last fetch failed.
type failure struct {
	err   error
	at    time.Time
	count int // of failures in a row
}

const (
	minBackoff      = 100 * time.Millisecond
	maxBackoff      = 2 * time.Second // without a set: nothing is served meanwhile
	minStaleBackoff = time.Second
	maxStaleBackoff = time.Minute
)

// retry returns when the background tries again after f. The keys of set serve
// as long as they may; then the bound is that of a source without keys.
func (f failure) retry(set *keySet) time.Time {
	if !set.usable(f.at) {
		return f.at.Add(jitter(doubled(minBackoff, maxBackoff, f.count)))
	}
	wait := jitter(doubled(minStaleBackoff, maxStaleBackoff, f.count))
	var status *fetch.StatusError
	if errors.As(f.err, &status) && status.RetryAfter > wait {
		wait = min(status.RetryAfter, maxStaleBackoff)
	}
	at := f.at.Add(wait)
	if end := set.end(); end.Before(at) {
		return end
	}
	return at
}

// doubled returns first, doubled for each failure after the first, up to most.
func doubled(first, most time.Duration, failures int) time.Duration {
	for ; failures > 1 && first < most; failures-- {
		first *= 2
	}
	return min(first, most)
}

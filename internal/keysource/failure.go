package keysource

import (
	"errors"
	"fmt"
	"time"
)

// ErrUnknownKey means that the issuer has no such key. The set in which it is
// missing is new enough to prove that.
var ErrUnknownKey = errors.New("keysource: the issuer has no such key")

// ErrKeyAlgorithm means that the issuer has the key, but for other algorithms. It
// never causes a fetch.
var ErrKeyAlgorithm = errors.New("keysource: the key is not for this algorithm")

var (
	errClosed   = errors.New("the key source is closed")
	errNoneYet  = errors.New("no keys have been fetched yet")
	errTimeout  = fmt.Errorf("no answer within %v", fetchTime)
	errNoUsable = errors.New("the issuer publishes no usable key")
	errCrowded  = fmt.Errorf("%d other requests already wait for the keys", maxWaiting)
	errTooNew   = errors.New("unknown key: the token's iat is later than the last fetch, and the refresh budget allows no fetch yet")
)

// UnavailableError means that the issuer's keys are unavailable, so that the
// source cannot decide whether a key is the issuer's.
type UnavailableError struct {
	Issuer string
	// RetryAfter is how long to wait before a retry, at least a second.
	RetryAfter time.Duration
	// Suspect means that the source has usable keys and only lacks the one
	// that the token names, which the sender may have made up.
	Suspect bool
	// Err is the cause, for logs. It is not unwrapped, because it may be the
	// context error of the source's own fetch, which callers must not mistake
	// for their own.
	Err error
	// Hint says what an operator can do about it.
	Hint string
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("keysource: the keys of %q are unavailable: %v", e.Issuer, e.Err)
}

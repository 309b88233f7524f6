package keysource

import (
	"errors"
	"fmt"
	"time"
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
	errTooNew   = errors.New("unknown key: the token's iat is later than the last fetch, and the refresh budget allows no fetch yet")
)

// UnavailableError says that nobody can tell whether a key is the issuer's:
// its keys cannot be had now.
type UnavailableError struct {
	Issuer string
	// RetryAfter is when it makes sense to ask again, at least a second.
	RetryAfter time.Duration
	// Suspect says that the keys are at hand and only the token asks for
	// another one: its sender may have made it up.
	Suspect bool
	// Err is the cause, for logs. It is not unwrapped: it may be the context
	// error of the source's own fetch, and is not to be taken for the caller's.
	Err error
	// Hint says what an operator can do.
	Hint string
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("keysource: the keys of %q are unavailable: %v", e.Issuer, e.Err)
}

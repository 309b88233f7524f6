package bearer

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrUnrecognized is a verifier's answer "not mine": another verifier may know
// the token. [Unrecognized] wraps it with the reason.
var ErrUnrecognized = errors.New("bearer: unrecognized token")

// Error is a classified answer of a [Verifier] or a [Requirement]: why a
// request is refused. Its texts are for logs; of all fields, clients are told
// only what Code stands for, Public and RetryAfter. Build one with [Invalid],
// [Expired], [Unavailable], [Unrecognized] or [Forbid].
type Error struct {
	Code Code

	// Check names the check that failed, such as "exp" or "signature".
	// Expected and Got are what it wanted and what it found. They must hold
	// no token and no signature, nor anything of an unproven token but what
	// is needed to mend a configuration.
	Check, Expected, Got string

	// Hint says what an operator can do about it: which setting to look at, here
	// or at the issuer. It is for the log, like Expected and Got.
	Hint string

	// ClaimedIssuer and ClaimedKeyID are what a token that is not proven says of
	// itself, and ClaimedIssuer is one that the verifier knows. They serve the
	// log. Nothing may be decided by them.
	ClaimedIssuer, ClaimedKeyID string

	// Expired marks the one kind of invalid token that clients are told
	// apart. It may be set only for a token whose signature holds.
	Expired bool

	// Public is the text that clients are told with [CodeForbidden].
	Public string

	// RetryAfter is sent with [CodeUnavailable] and [CodeTooManyFailures]; zero
	// is the guard's choice.
	RetryAfter time.Duration

	// Suspect marks a [CodeUnavailable] that the token itself may have caused,
	// such as one that made the issuer's endpoint fail. [FailureLimit] counts
	// it like a bad token.
	Suspect bool

	// Principal is what the refused token says of its bearer, if its
	// signature holds; nil otherwise. It serves the log.
	Principal *Principal

	// Err is the cause, if there is one.
	Err error

	// stepUp is the one that was not satisfied.
	stepUp *StepUp
}

// Error returns the code, the check with expected and got, and the cause.
func (e *Error) Error() string {
	if e == nil {
		return "bearer: a nil *Error"
	}
	var b strings.Builder
	b.WriteString("bearer: ")
	b.WriteString(string(e.Code))
	if e.Check != "" {
		b.WriteString(": " + e.Check)
	}
	if e.Expected != "" {
		b.WriteString(": expected " + e.Expected)
	}
	if e.Got != "" {
		b.WriteString(", got " + e.Got)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// Is makes errors.Is(err, ErrUnrecognized) true for what [Unrecognized] built.
func (e *Error) Is(target error) bool {
	return target == ErrUnrecognized && e != nil && e.Code == codeUnrecognized
}

// Invalid is a verifier's final answer "mine and bad": 401 invalid_token. The
// arguments are those fields of [Error], for the log.
func Invalid(check, expected, got string) *Error {
	return &Error{Code: CodeInvalidToken, Check: check, Expected: expected, Got: got}
}

// Expired is [Invalid] for a token that is genuine and has expired, which
// clients are told. It must not be used for a token that is not proven.
func Expired(expected, got string) *Error {
	return &Error{Code: CodeInvalidToken, Check: "exp", Expected: expected, Got: got, Expired: true}
}

// Unavailable is the answer "cannot tell": 503. cause says what is out of
// reach; retryAfter is rounded up to whole seconds, and zero leaves it to the
// guard.
func Unavailable(cause error, retryAfter time.Duration) *Error {
	return &Error{Code: CodeUnavailable, RetryAfter: retryAfter, Err: cause}
}

// Unrecognized is [ErrUnrecognized] with the reason, for the log of a request
// that no verifier recognizes.
func Unrecognized(check, expected, got string) *Error {
	return &Error{Code: codeUnrecognized, Check: check, Expected: expected, Got: got}
}

// Forbid is a requirement's refusal: 403 without a challenge. The reason is
// public: the client reads it. An empty reason is a fixed text.
func Forbid(reason string) *Error {
	return &Error{Code: CodeForbidden, Check: "policy", Public: reason}
}

// classify returns the [Error] that err is, or one of that code if nobody
// classified err. The outermost Error decides, so that its cause never speaks
// in its place.
func classify(err error, code Code) *Error {
	if e := outermost(err); e != nil {
		return e
	}
	if errors.Is(err, ErrUnrecognized) {
		code = codeUnrecognized
	}
	return &Error{Code: code, Err: err}
}

// outermost returns the first [Error] in err's tree, from the top down. Of
// joined errors an outage outweighs the others: a verifier that asked several
// sources cannot tell if one of them was out of reach.
func outermost(err error) *Error {
	switch err := err.(type) {
	case *Error:
		return err // nil inside an error interface is no classification
	case interface{ Unwrap() error }:
		return outermost(err.Unwrap())
	case interface{ Unwrap() []error }:
		var first *Error
		for _, joined := range err.Unwrap() {
			switch e := outermost(joined); {
			case e == nil:
			case e.Code == CodeUnavailable:
				return e
			case first == nil:
				first = e
			}
		}
		return first
	}
	return nil
}

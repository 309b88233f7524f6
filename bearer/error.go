package bearer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/scope"
)

// ErrUnrecognized is a verifier's answer "not mine": another verifier may
// recognize the token. [Unrecognized] adds the reason.
var ErrUnrecognized = errors.New("bearer: unrecognized token")

// Error is the reason why a [Verifier], a [Requirement] or the guard refuses a
// request. Clients see only the answer that Code selects, Public and RetryAfter;
// all other fields are for logs. Build one with [Invalid], [Expired],
// [Unavailable], [Unrecognized] or [Forbid].
type Error struct {
	Code Code

	// Check names the check that failed, such as "exp" or "signature". Expected
	// and Got are what the check wanted and what it found. They must not contain
	// a token or a signature. From an unverified token, they may contain only
	// what an operator needs to fix a configuration.
	Check, Expected, Got string

	// Hint says what an operator can do: which setting to check, here or at the
	// issuer.
	Hint string

	// ClaimedIssuer and ClaimedKeyID are the iss and kid of an unverified token.
	// The verifier sets them only if it knows that issuer. No decision may depend
	// on them.
	ClaimedIssuer, ClaimedKeyID string

	// Expired selects the answer for an expired token. It must be set only for a
	// token whose signature is valid.
	Expired bool

	// Public is the text that clients read with [CodeForbidden]. Default: a fixed
	// text.
	Public string

	// RetryAfter is the Retry-After of [CodeUnavailable] and
	// [CodeTooManyFailures]. Default: [Config.RetryAfter].
	RetryAfter time.Duration

	// Suspect marks a [CodeUnavailable] that the token may have caused, for
	// example by making the issuer's endpoint fail. [FailureLimit] counts it like
	// a bad token.
	Suspect bool

	// Principal is the principal of the refused token if its signature is valid;
	// nil otherwise.
	Principal *Principal

	// Err is the underlying error, if any.
	Err error

	// stepUp is the requirement that was not satisfied; nil: none.
	stepUp *StepUp

	// needs are the scopes of a [Scope] that was not satisfied.
	needs scope.Set
}

// Error returns the code, the check with Expected and Got, and the cause.
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

// Is makes errors.Is(err, ErrUnrecognized) true for an error of [Unrecognized].
func (e *Error) Is(target error) bool {
	return target == ErrUnrecognized && e != nil && e.Code == codeUnrecognized
}

// Invalid returns a verifier's final answer "mine and bad": 401 invalid_token.
// The arguments are the fields of [Error] of the same names.
func Invalid(check, expected, got string) *Error {
	return &Error{Code: CodeInvalidToken, Check: check, Expected: expected, Got: got}
}

// Expired is [Invalid] for a genuine token that has expired. The answer tells the
// client so. Do not use it for an unverified token.
func Expired(expected, got string) *Error {
	return &Error{Code: CodeInvalidToken, Check: "exp", Expected: expected, Got: got, Expired: true}
}

// Unavailable returns the answer "cannot tell": 503. The cause says what is
// unreachable. retryAfter is rounded up to whole seconds; zero means
// [Config.RetryAfter].
func Unavailable(cause error, retryAfter time.Duration) *Error {
	return &Error{Code: CodeUnavailable, RetryAfter: retryAfter, Err: cause}
}

// Unrecognized returns [ErrUnrecognized] with a reason, which is logged if no
// verifier recognizes the token.
func Unrecognized(check, expected, got string) *Error {
	return &Error{Code: codeUnrecognized, Check: check, Expected: expected, Got: got}
}

// Forbid returns a requirement's refusal: 403 without a challenge. The reason is
// public: the client reads it. An empty reason stands for a fixed text.
func Forbid(reason string) *Error {
	return &Error{Code: CodeForbidden, Check: "policy", Public: reason}
}

// classify returns the outermost [Error] in err's tree, or a new one with the
// given code if err contains none. The outermost Error decides, so that its
// cause never overrides it.
func classify(err error, code Code) *Error {
	if e := outermost(err); e != nil {
		return e
	}
	if errors.Is(err, ErrUnrecognized) {
		code = codeUnrecognized
	}
	return &Error{Code: code, Err: err}
}

// outermost returns the first [Error] in err's tree, from the top down. Among
// joined errors an outage takes precedence: a verifier that asked several
// sources cannot judge a token while one of them is unreachable.
func outermost(err error) *Error {
	switch err := err.(type) {
	case *Error:
		return err // may be nil, which classifies nothing
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

// classifyAmong is [classify] for an interface that may return only errors of the
// allowed codes. An Error of another code becomes the cause of an Error with the
// fallback code.
func classifyAmong(err error, fallback Code, allowed ...Code) *Error {
	if e := classify(err, fallback); slices.Contains(allowed, e.Code) {
		return e
	}
	return &Error{Code: fallback, Err: err}
}

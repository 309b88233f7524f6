package bearer

import (
	"net/http"
	"time"

	"github.com/bearerkit/bearerkit/scope"
)

// PublicError is what a client may know about a refusal. [Config.ErrorBody] turns
// it into a body. An adapter for a protocol with errors of its own reads it from
// [Outcome.PublicError].
type PublicError struct {
	Status int

	// Code is the error code of the challenge, such as invalid_token. It is empty
	// for an answer without one, such as 401 to a request without a token.
	Code Code

	Text string // a fixed text, or the reason of [Forbid]

	// Scope holds the scopes that the request needs, for insufficient_scope. It
	// is empty for every other refusal.
	Scope scope.Set

	RequestID string // as in the log record

	// RetryAfter is the Retry-After of the answer, in seconds, or zero without
	// one.
	RetryAfter int64
}

// public returns what a client may know about the answer.
func (a *answer) public(id []byte, retryAfter time.Duration) PublicError {
	e := PublicError{Status: a.status, Code: a.code, Text: a.text, Scope: a.scope, RequestID: string(id)}
	if a.saysRetryAfter() {
		e.RetryAfter = wholeSeconds(retryAfter)
	}
	return e
}

// ownBody returns the body that the hook writes, or false if the answer keeps
// the guard's body.
func (g *Guard) ownBody(r *http.Request, a *answer, id []byte, retryAfter time.Duration) (*form, []byte, bool) {
	if g.errorBody == nil {
		return nil, nil, false
	}
	mediaType, body := g.errorBody(r, a.public(id, retryAfter))
	// A media type that a field cannot carry would make clients drop the answer.
	ok := mediaType != "" && isQuotable(mediaType)
	return &form{mediaType: mediaType, length: lengthOf(len(body))}, body, ok
}

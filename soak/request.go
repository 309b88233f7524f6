package main

import (
	"sync/atomic"
	"time"
)

// kind is a kind of request, whose answer is known beforehand.
type kind string

// The kinds of requests.
const (
	good      kind = "known token"
	fresh     kind = "new token"
	expired   kind = "expired"
	poor      kind = "too little scope"
	anonymous kind = "no token"
	hostile   kind = "hostile"
	unknown   kind = "unknown key"
	newborn   kind = "key just published"
	withdrawn kind = "key withdrawn"
	denied    kind = "denied"
	proven    kind = "DPoP"
	replayed  kind = "DPoP, proof replayed"
	stolen    kind = "DPoP, token stolen"
	mutual    kind = "mTLS"
	bare      kind = "mTLS, token stolen"
	opaque    kind = "opaque"
	revoked   kind = "opaque, revoked"
	junk      kind = "opaque, made up"
)

// kinds lists the kinds in the order of the tables, and how often each is sent, in
// percent. A replay follows every third DPoP request. Unknown keys are sent at fixed
// times: see [soak.askForKeys].
var kinds = []struct {
	kind  kind
	share int
}{
	{good, 20}, {fresh, 10}, {newborn, 6}, {proven, 12}, {replayed, 0}, {mutual, 6}, {opaque, 10},
	{poor, 3}, {denied, 5}, {expired, 3}, {withdrawn, 3}, {revoked, 4}, {stolen, 3}, {bare, 2},
	{hostile, 8}, {unknown, 0}, {junk, 4}, {anonymous, 1},
}

// token is a token and what the driver knows about it. It is not changed once it
// is in use.
type token struct {
	value     string
	subject   string
	id        string
	published time.Time    // when its key was published
	unborn    bool         // the issuer had a fault then, so that no API could fetch the key
	event     time.Time    // when the key was withdrawn, or the token revoked or denied
	revoked   *atomic.Bool // of an opaque token: copies of it in use learn of it
	usual     answers      // of a hostile token
	needs     need         // of a hostile token
}

// need says whom an instance must ask about a hostile token.
type need int

const (
	needsNobody  need = iota // it is malformed, or its key is known
	needsKeys                // its key is not known
	needsAnswers             // it looks opaque
)

// request is one request, and all that decides its answer.
type request struct {
	kind     kind
	side     int
	instance int
	taken    time.Time // when the token was drawn
	from, to time.Time
	token    token
	first    answers   // of a replayed proof: the answer to its first use
	firstAt  time.Time // and when that was sent
}

// judgedByKey reports whether the answer depends on the keys of the issuer.
func (r *request) judgedByKey() bool {
	switch r.kind {
	case anonymous, opaque, revoked, junk:
		return false
	case hostile:
		return r.token.needs != needsAnswers
	}
	return true
}

// asked reports whether the answer depends on the introspection endpoint.
func (r *request) asked() bool {
	switch r.kind {
	case opaque, revoked, junk:
		return true
	case hostile:
		return r.token.needs == needsAnswers
	}
	return false
}

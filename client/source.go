package client

import (
	"context"
	"errors"
	"time"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/scope"
)

// Source provides access tokens. It must be safe for concurrent use. A
// [Transport] keeps the token until it expires, uses it for all requests, and asks
// again when a token expires or when the API refuses it. A source whose tokens
// depend on the request must therefore be a [ContextSource].
type Source interface {
	// Token returns a token that satisfies want. A source that cannot satisfy want,
	// such as more scopes than a person has granted, returns an error. The errors
	// [ErrNoFreshToken], [ErrNoMoreScope], [ErrNoStepUp] and [ErrNeedChallenge]
	// (errors.Is) say why.
	//
	// A Transport calls Token once for all requests that need the same token. ctx has
	// the values of one of them. It is canceled when none of them waits any more, and
	// has no deadline.
	Token(ctx context.Context, want Want) (*oauth2.Token, error)
}

// ContextSource is a [Source] whose tokens depend on the context of the request,
// such as those for the user of an incoming request. A [Transport] keeps no token of
// it: it asks for one with the context of each request, and never uses the token for
// another request. A source that wraps a ContextSource must be one too.
type ContextSource interface {
	Source

	// PerRequest marks the source. A Transport does not call it.
	PerRequest()
}

// Want describes the token that a [Source] is asked for. The zero Want is any
// token for the API.
type Want struct {
	// Resource is the identifier of the API (RFC 8707, Section 2), as
	// [Config.Resource].
	Resource string

	// Scope holds the scopes that the token needs, besides those that the source
	// requests by itself. Empty: none.
	Scope scope.Set

	// Refused is the token that the API called invalid. The source must return
	// another one. Empty: none was refused.
	Refused string

	// AllowScope is [Config.AllowScope]. The Transport has applied it to Scope. A source
	// that learns scopes from the API in another way, such as from its metadata, must
	// not request those that it does not allow. Nil: any scope is allowed.
	AllowScope func(name string) bool

	// StepUp is the authentication that the API requires. Nil: any.
	StepUp *StepUp

	// Challenge is the challenge of the API that caused the request for a token.
	// It is zero if no challenge did: for the first token, and when a token expires.
	Challenge Challenge
}

// StepUp is the authentication that an API requires of the token (RFC 9470,
// Section 3). Its fields are parameters of the authorization request (Section 4).
type StepUp struct {
	ACRValues []string      // acr_values, in the API's order of preference. Empty: any
	MaxAge    time.Duration // max_age. Zero: the person must log in again. Negative: any
}

// Errors of a [Source] that has a token, but not the one that is wanted.
var (
	ErrNoFreshToken = errors.New("client: no token other than the refused one; log in again")
	ErrNoMoreScope  = errors.New("client: the source cannot request more scopes; ask the person or the administrator to grant them")
	ErrNoStepUp     = errors.New("client: the source cannot authenticate the person again; log in as the API requires")
)

// ErrNeedChallenge is the error of a [Source] that has no token yet and does not
// know the authorization server. The Transport then sends the request without a
// token, and asks the source again with the challenge of the API, which may name
// its metadata (RFC 9728, Section 5).
var ErrNeedChallenge = errors.New("client: the source needs a challenge of the API first")

package client

import (
	"context"
	"errors"
	"time"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/scope"
)

// Source provides access tokens. It must be safe for concurrent use. A
// [Transport] keeps the token until it expires, and asks again when a token
// expires or when the API refuses it.
type Source interface {
	// Token returns a token that satisfies want. A source that cannot satisfy want,
	// such as more scopes than a person has granted, returns an error. The errors
	// [ErrNoFreshToken], [ErrNoMoreScope] and [ErrNoStepUp] (errors.Is) say why.
	Token(ctx context.Context, want Want) (*oauth2.Token, error)
}

// Want describes the token that a [Source] is asked for. The zero Want is any
// token for the API.
type Want struct {
	// Resource is the identifier of the API (RFC 8707, Section 2), as
	// [Config.Resource].
	Resource string

	// Scope holds the scopes that the token needs. Empty: those that the source
	// requests by itself.
	Scope scope.Set

	// Refused is the token that the API called invalid. The source must return
	// another one. Empty: none was refused.
	Refused string

	// StepUp is the authentication that the API requires. Nil: any.
	StepUp *StepUp

	// Challenge is the challenge of the API that caused the request for a token.
	// It is zero for the first token.
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

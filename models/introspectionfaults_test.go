package models_test

import (
	"context"
	"sync"

	"github.com/bearerkit/bearerkit/bearer"
)

func introspectionFaults() []fault {
	return []fault{
		{"Forget forgets nothing", introspections(func(v introspectVerifier) introspectVerifier { return keepingVerifier{v} }), false, 6},
		{"an active token stays active", introspections(func(v introspectVerifier) introspectVerifier { return &trustingVerifier{introspectVerifier: v} }), false, 6},
		{"an outage is an inactive token", introspections(func(v introspectVerifier) introspectVerifier { return &guessingVerifier{v} }), false, 4},
	}
}

// keepingVerifier forgets no token.
type keepingVerifier struct{ introspectVerifier }

func (keepingVerifier) Forget(context.Context, string) error { return nil }

// trustingVerifier asks no more about a token that was active.
type trustingVerifier struct {
	introspectVerifier
	active sync.Map
}

func (v *trustingVerifier) Verify(ctx context.Context, token string) (*bearer.Principal, error) {
	if p, ok := v.active.Load(token); ok {
		return p.(*bearer.Principal), nil
	}
	p, err := v.introspectVerifier.Verify(ctx, token)
	if err == nil {
		v.active.Store(token, p)
	}
	return p, err
}

// guessingVerifier refuses a token if the endpoint does not answer.
type guessingVerifier struct{ introspectVerifier }

func (v *guessingVerifier) Verify(ctx context.Context, token string) (*bearer.Principal, error) {
	p, err := v.introspectVerifier.Verify(ctx, token)
	if verdictOf(err) == "unavailable" {
		return nil, bearer.ErrUnrecognized
	}
	return p, err
}

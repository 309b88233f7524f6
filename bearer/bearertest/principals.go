package bearertest

import (
	"context"

	"github.com/bearerkit/bearerkit/bearer"
)

// Principals is a bearer.Verifier for tests of handlers. It maps tokens to
// principals; other tokens are unrecognized. A token may be any token68 text, such
// as "alice". Principals uses no cryptography and ignores expiry.
//
//	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{
//		bearertest.Principals{"alice": {Subject: "alice", Scopes: scope.Of("orders:read")}},
//	}})
//	request.Header.Set("Authorization", "Bearer alice")
//
// To test a handler without a guard, pass it a principal with bearer.NewContext.
type Principals map[string]bearer.Principal

var _ bearer.Verifier = Principals{}

// Verify returns a copy of the principal for token.
func (p Principals) Verify(_ context.Context, token string) (*bearer.Principal, error) {
	principal, ok := p[token]
	if !ok {
		return nil, bearer.Unrecognized("token", "a token of the test's Principals", "an unknown token")
	}
	return &principal, nil
}

package bearertest

import (
	"context"

	"github.com/bearerkit/bearerkit/bearer"
)

// Principals is a bearer.Verifier for tests of handlers: each token, any text
// of the alphabet of tokens, stands for a principal, and all others are
// unknown. There is no cryptography in it, and no expiry.
//
//	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{
//		bearertest.Principals{"alice": {Subject: "alice", Scopes: scope.Of("orders:read")}},
//	}})
//	request.Header.Set("Authorization", "Bearer alice")
//
// A handler that is tested without a guard gets its principal by
// bearer.NewContext.
type Principals map[string]bearer.Principal

var _ bearer.Verifier = Principals{}

// Verify returns the principal that token stands for.
func (p Principals) Verify(_ context.Context, token string) (*bearer.Principal, error) {
	principal, ok := p[token]
	if !ok {
		return nil, bearer.Unrecognized("token", "one of the test's principals", "another")
	}
	return &principal, nil
}

package resource

import (
	"slices"

	"github.com/bearerkit/bearerkit/bearer"
)

// Matching returns c with what a guard of that configuration does with tokens,
// so that the document says no other: BearerMethods, MTLSBound, DPoPAlgorithms
// and DPoPRequired.
func (c Config) Matching(guard bearer.Config) Config {
	c.BearerMethods = []string{"header"}
	if guard.FormBodyTokens {
		c.BearerMethods = append(c.BearerMethods, "body")
	}
	if guard.InsecureQueryTokens {
		c.BearerMethods = append(c.BearerMethods, "query")
	}
	c.MTLSBound = guard.Certificates != nil
	c.DPoPAlgorithms, c.DPoPRequired = nil, false
	if guard.Proofs != nil {
		c.DPoPAlgorithms = slices.Clone(guard.Proofs.Algorithms())
		// Where every token must be bound, and to nothing but a key, it is the same.
		c.DPoPRequired = guard.ProofsRequired || guard.BoundTokensOnly && guard.Certificates == nil
	}
	return c
}

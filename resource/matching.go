package resource

import (
	"slices"

	"github.com/bearerkit/bearerkit/bearer"
)

// Matching returns a copy of c that describes how a guard with the given
// configuration accepts tokens. It sets BearerMethods, MTLSBound,
// DPoPAlgorithms and DPoPRequired.
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
		// Without certificates, requiring bound tokens amounts to requiring
		// DPoP.
		c.DPoPRequired = guard.ProofsRequired || guard.BoundTokensOnly && guard.Certificates == nil
	}
	return c
}

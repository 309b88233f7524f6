package resource

import (
	"slices"

	"github.com/bearerkit/bearerkit/bearer"
)

// Matching returns a copy of c that describes how a guard with the given
// configuration accepts tokens. It sets BearerMethods, MTLSBound,
// DPoPAlgorithms and DPoPRequired.
func (c Config) Matching(guard bearer.Config) Config {
	if len(guard.Sources) == 0 {
		guard.Sources = []bearer.TokenSource{bearer.FromAuthorization()}
	}
	c.BearerMethods = []string{} // RFC 9728, Section 2, has no names for the other sources
	for _, method := range []struct {
		source bearer.TokenSource
		name   string
	}{{bearer.FromAuthorization(), "header"}, {bearer.FromFormBody(), "body"}, {bearer.InsecureFromQuery(), "query"}} {
		if slices.Contains(guard.Sources, method.source) {
			c.BearerMethods = append(c.BearerMethods, method.name)
		}
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

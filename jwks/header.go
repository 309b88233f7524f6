package jwks

import (
	"fmt"
	"slices"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/jose"
)

// checkKeyChoice checks what the header says about the signature.
func (i *issuer) checkKeyChoice(h *jose.Header) *bearer.Error {
	if !slices.Contains(i.algorithms, jose.Algorithm(h.Algorithm)) {
		return bearer.Invalid("alg", fmt.Sprintf("one of %v (Issuer.Algorithms)", i.algorithms), fmt.Sprintf("%.16q", h.Algorithm))
	}
	if i.requireKeyID && !h.HasKeyID {
		refused := bearer.Invalid("kid", "the ID of a key (Issuer.RequireKeyID)", "none")
		refused.Hint = "have the issuer put kid into the header, or leave Issuer.RequireKeyID off"
		return refused
	}
	return nil
}

// checkHeader makes the checks of the header that need no key. A forged header
// may pass.
func (i *issuer) checkHeader(h *jose.Header) *bearer.Error {
	if refused := i.checkKeyChoice(h); refused != nil {
		return refused
	}
	if !i.profile.acceptsType(h.Type) {
		got := "none"
		if h.HasType {
			got = fmt.Sprintf("%.64q", h.Type)
		}
		return bearer.Invalid("typ", fmt.Sprintf("one of %q (Issuer.Profile)", i.profile.types), got)
	}
	return nil
}

package bearer

// Stated is a set of claims that a token or an introspection response contains,
// whatever their values. The fields of a [Principal] cannot distinguish an empty
// claim from an absent one, but [Both] must: "scope":"" grants nothing, whereas a
// token without scope does not restrict the other verifier's scopes. A verifier
// reports the claims with [Principal.WithStated].
type Stated uint8

// The claims that [Both] distinguishes. A claim whose field is not empty counts as
// stated.
const (
	StatedScopes   Stated = 1 << iota // scope, or the claim that the issuer's profile reads instead
	StatedAudience                    // aud
	StatedAuthTime                    // auth_time
	StatedACR                         // acr
	StatedAMR                         // amr
	StatedRoles                       // the claims that contain the roles; see [Principal.Roles]
)

// WithStated returns a copy of p that records that the token contains these
// claims. [Both] then narrows by them even if their fields are empty. Verifiers
// call it.
func (p Principal) WithStated(claims Stated) Principal {
	p.stated |= claims
	return p
}

// statements returns the claims that the verifier of p reported, and those whose
// field is not empty.
func (p *Principal) statements() Stated {
	s := p.stated
	for _, field := range [...]struct {
		claim  Stated
		filled bool
	}{
		{StatedScopes, !p.Scopes.IsEmpty()},
		{StatedAudience, len(p.audience) > 0},
		{StatedAuthTime, !p.AuthTime.IsZero()},
		{StatedACR, p.ACR != ""},
		{StatedAMR, len(p.amr) > 0},
		{StatedRoles, len(p.roles) > 0},
	} {
		if field.filled {
			s |= field.claim
		}
	}
	return s
}

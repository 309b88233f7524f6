package bearer

// Stated is a set of claims that a token, or an introspection response, contains
// whatever their value. A verifier reports them by [Principal.WithStated],
// because the fields of a [Principal] cannot tell an empty claim from an absent
// one: "scope":"" grants nothing, and a token without scope does not say.
type Stated uint8

// The claims for which it matters. A field that is not empty counts as stated.
const (
	StatedScopes   Stated = 1 << iota // scope, or what the issuer's profile reads instead
	StatedAudience                    // aud
	StatedAuthTime                    // auth_time
	StatedACR                         // acr
	StatedAMR                         // amr
)

// WithStated returns p with the note that the token contains these claims, for
// verifiers. [Both] then narrows by them also where their field is empty.
func (p Principal) WithStated(claims Stated) Principal {
	p.stated |= claims
	return p
}

// statements returns all claims that p states: those that its verifier
// reported, and those whose field is not empty.
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
	} {
		if field.filled {
			s |= field.claim
		}
	}
	return s
}

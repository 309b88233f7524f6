package jwks

import (
	"fmt"
	"slices"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
)

// isScopeString reports whether the claim at index i must be a string (RFC 9068,
// Section 2.2.3).
func (c *profile) isScopeString(i int) bool { return c.scopeString && c.Name(i) == "scope" }

// checkKind checks that the token is an access token, and that it has all
// required claims.
func (c *profile) checkKind(v *claims.Values, p *bearer.Principal) *bearer.Error {
	if refused := c.checkForbidden(v, p); refused != nil {
		return refused
	}
	if tokenType, err := v.Text(c.tokenType); err != nil {
		return malformed(err)
	} else if refused := checkNamed(tokenType, p); refused != nil {
		return refused
	}
	return c.checkRequired(v, p)
}

// checkForbidden refuses other kinds of tokens (RFC 8725, Section 3.12).
func (c *profile) checkForbidden(v *claims.Values, p *bearer.Principal) *bearer.Error {
	for _, i := range c.forbidden {
		if v.Sent(i) { // also a malformed one, which a pointer in Profile.Roles may have found
			return bearer.Invalid("kind", "an access token, which has no claim "+c.Name(i), "another kind of token")
		}
	}
	if c.kind >= 0 {
		kind, err := v.Text(c.kind)
		if err != nil || !slices.Contains(c.kinds, kind) {
			return bearer.Invalid("kind",
				fmt.Sprintf("claim %s to be one of %q", c.Name(c.kind), c.kinds), fmt.Sprintf("%.64q", kind))
		}
		if refused := checkNamed(kind, p); refused != nil {
			return refused
		}
	}
	if !c.typed && c.kind < 0 && c.looksLikeIDToken(v, p) {
		return bearer.Invalid("kind", "an access token", "probably an ID token: its client is its audience, and it has no scopes and no jti")
	}
	if !c.typed && p.Subject == p.Issuer {
		return bearer.Invalid("kind", "an access token, whose sub is not its iss", "a client assertion")
	}
	return nil
}

func (c *profile) checkRequired(v *claims.Values, p *bearer.Principal) *bearer.Error {
	if refused := c.checkClientID(p); refused != nil {
		return refused
	}
	for _, i := range c.required {
		if !v.Has(i) || v.IsEmptyText(i) {
			return missing("the claim "+c.Name(i), v.Found(i))
		}
	}
	if !v.Has(claims.Exp) {
		return missing("the claim exp", v.Found(claims.Exp))
	}
	return nil
}

// checkNamed refuses a token of type DPoP, which must be bound to a key, if it does
// not name the key.
func checkNamed(tokenType string, p *bearer.Principal) *bearer.Error {
	if claims.KeyUnnamed(tokenType, p.Confirmation) {
		return bearer.Invalid("cnf", "the key that a token of type DPoP is bound to (RFC 9449, Section 6)", "none")
	}
	return nil
}

// looksLikeIDToken reports whether nothing distinguishes a token from an ID
// token: its audience is its client (OpenID Connect Core, Section 2), and it has
// neither scopes nor a jti.
func (c *profile) looksLikeIDToken(v *claims.Values, p *bearer.Principal) bool {
	return p.HasAudience(p.ClientID) && !v.Has(claims.Jti) && !slices.ContainsFunc(c.scope, v.Has)
}

func missing(what, found string) *bearer.Error {
	refused := bearer.Invalid("claims", what+", which the issuer's Profile requires", found)
	refused.Hint = "if Issuer.Profile is that of the issuer, add this claim to the tokens at the issuer; otherwise set it, for example to jwks.Keycloak()"
	return refused
}

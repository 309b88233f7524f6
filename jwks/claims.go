package jwks

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// readIssuer reads iss alone: which issuer's profile is to judge the token.
func readIssuer(payload []byte) (iss string, err error) {
	found := false
	err = strictjson.Object(payload, func(name []byte, value strictjson.Value) (err error) {
		if string(name) == "iss" {
			found = true
			iss, err = strictjson.String(value)
		}
		return err
	})
	if err == nil && !found {
		err = errors.New("no iss")
	}
	return iss, err
}

// principal reads the claims of a token whose signature holds. The error names
// the first claim that is malformed or missing; the principal is what there is.
func (c *profile) principal(v claims.Values, issuer string, payload []byte) (*bearer.Principal, *bearer.Error) {
	malformed := func(claim string, err error) *bearer.Error {
		return bearer.Invalid(claim, "a well-formed claim", err.Error())
	}
	p, bad := v.Principal()
	p.Issuer = issuer
	if bad != nil {
		return &p, malformed(bad.Claim, bad.Err)
	}
	var err error
	if p.ClientID, err = v.FirstText(c.clientID); err != nil {
		return &p, malformed("client_id", err)
	}
	if p.Scopes, err = v.Scopes(c.scope, c.isScopeString); err != nil {
		return &p, malformed("scope", err)
	}
	audience, err := v.List(c.audience)
	if err != nil {
		return &p, malformed(c.Name(c.audience), err)
	}
	p = p.WithAudience(audience...).WithClaims(payload)
	return &p, c.checkKind(v, &p)
}

func (c *profile) isScopeString(i int) bool { return c.scopeString && c.Name(i) == "scope" }

// checkKind checks that the token is an access token and whole.
func (c *profile) checkKind(v claims.Values, p *bearer.Principal) *bearer.Error {
	for _, i := range c.forbidden {
		if v.Has(i) {
			return bearer.Invalid("kind", "an access token, which has no claim "+c.Name(i), "another kind of token")
		}
	}
	if c.kind >= 0 {
		kind, err := v.Text(c.kind)
		if err != nil || !slices.Contains(c.kinds, kind) {
			return bearer.Invalid("kind",
				fmt.Sprintf("claim %s to be one of %q", c.Name(c.kind), c.kinds), fmt.Sprintf("%.64q", kind))
		}
	}
	if !c.typed && c.kind < 0 && c.looksLikeIDToken(v, p) {
		return bearer.Invalid("kind", "an access token", "what looks like an ID token: for its client, without scopes and jti")
	}
	if !c.typed && p.Subject == p.Issuer {
		return bearer.Invalid("kind", "an access token, whose sub is not its iss", "a client assertion")
	}
	if p.ClientID == "" {
		names := make([]string, len(c.clientID))
		for i, claim := range c.clientID {
			names[i] = c.Name(claim)
		}
		return missing(fmt.Sprintf("one of the claims %q", names))
	}
	for _, i := range c.required {
		if !v.Has(i) || v.IsEmptyText(i) {
			return missing("the claim " + c.Name(i))
		}
	}
	if !v.Has(claims.Exp) {
		return missing("the claim exp")
	}
	return nil
}

// looksLikeIDToken reports whether a token is no more than an ID token may be:
// for the client that it names (OpenID Connect Core, Section 2), without any
// scopes and without jti.
func (c *profile) looksLikeIDToken(v claims.Values, p *bearer.Principal) bool {
	return p.HasAudience(p.ClientID) && !v.Has(claims.Jti) && !slices.ContainsFunc(c.scope, v.Has)
}

func missing(what string) *bearer.Error {
	return bearer.Invalid("claims", what+", which the issuer's Profile requires", "none")
}

// checkTimes judges iat, nbf and exp, and forgets an auth_time that is further
// ahead than the leeway: nobody has authenticated then.
func checkTimes(v claims.Values, p *bearer.Principal, leeway time.Duration) *bearer.Error {
	now := time.Now()
	notBefore, err := v.Date(claims.Nbf)
	if err != nil {
		return bearer.Invalid("nbf", "a well-formed claim", err.Error())
	}
	if now.Before(p.AuthTime.Add(-leeway)) {
		p.AuthTime = time.Time{}
	}
	return claims.CheckTimes(now, notBefore, p, leeway)
}

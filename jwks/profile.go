package jwks

import (
	"errors"
	"fmt"
	"slices"

	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/internal/jose"
)

// Profile says how an issuer's access tokens look where they do not follow
// RFC 9068. The zero Profile is RFC 9068: typ is at+jwt, and the claims sub,
// client_id, iat and jti are there.
//
// Under each profile iss, exp, an audience and a client id are required, and
// logout tokens, DPoP proofs, introspection responses and client assertions are
// refused (RFC 8725, Section 3.12). ID tokens are refused by typ, by Kind, or,
// where neither tells them, by what only they have and what they lack.
type Profile struct {
	// Types are the values of the header's typ that are accepted, compared
	// case-insensitively and without "application/". The empty string accepts
	// a token without typ. Default: at+jwt.
	Types []string

	// ClientID names the claims that may carry the client's id; the first that
	// a token has counts. Default: client_id.
	ClientID []string

	// Scope names the claims that may carry the scopes, as one string or as an
	// array; the first that a token has counts, and if it is malformed there are
	// none. Default: scope, which must be a string then (RFC 9068, Section
	// 2.2.3), and scp.
	Scope []string

	// Audience names the claim that carries the audience. Default: aud.
	Audience string

	// Kind names the claim by which the issuer tells its access tokens from
	// its other tokens, and Kinds the values that access tokens have there.
	// Default: none. Where typ does not tell an access token (any but at+jwt)
	// and there is no Kind, tokens are refused that have a claim which only ID
	// tokens have (nonce, at_hash, c_hash, s_hash), or whose audience is their
	// client and that have neither scopes nor a jti.
	Kind  string
	Kinds []string

	// Required are claims that a token must have, well-formed and not null, beyond
	// those required always. Default: sub, iat and jti (RFC 9068, Section 2.2); a list that
	// is empty and not nil is none.
	Required []string

	// Client says how the issuer marks a token that a client got for itself,
	// for [bearer.Principal.IsClient]. Default: its sub is the client's id.
	Client ClientMark
}

// neverTypes are types of JWTs that are no access tokens, whatever a profile
// says (RFC 8725, Section 3.11): the registered ones that authorization servers
// and their clients sign.
var neverTypes = []string{
	"logout+jwt", "dpop+jwt", "token-introspection+jwt", "secevent+jwt",
	"oauth-authz-req+jwt", "client-authentication+jwt", "id+jwt", "idtoken+jwt",
}

// neverClaims tell a JWT that is no access token where typ does not: a logout
// token or another security event, an introspection response, a DPoP proof.
var neverClaims = []string{"events", "token_introspection", "htm", "htu"}

// idTokenClaims are those that ID tokens have and access tokens have not.
var idTokenClaims = []string{"nonce", "at_hash", "c_hash", "s_hash"}

// profile is a Profile in the form that tokens are judged by: claims by their
// index.
type profile struct {
	*claims.Names
	types       []string // lower case, without application/
	typed       bool     // typ alone tells an access token
	clientID    []int
	scope       []int
	scopeString bool // the claim scope must be a string
	audience    int
	kind        int // -1: none
	kinds       []string
	required    []int
	forbidden   []int
	tokenType   int
	client      clientMark
}

// compile compiles p. All profiles of a verifier share names, so that one
// reading of a token serves whichever its issuer has.
func (p Profile) compile(names *claims.Names) (*profile, error) {
	var errs []error
	if p.Required == nil {
		p.Required = []string{"sub", "iat", "jti"}
	}
	if p.Types == nil {
		p.Types = []string{"at+jwt"}
	}
	if p.ClientID == nil {
		p.ClientID = []string{"client_id"}
	}
	for _, list := range [...]struct {
		field  string
		values []string
	}{{"Types", p.Types}, {"ClientID", p.ClientID}} {
		if len(list.values) == 0 {
			errs = append(errs, fmt.Errorf("Profile.%s is empty, so that no token is accepted; leave it out for the default", list.field))
		}
	}
	c := &profile{Names: names, typed: true, kind: -1, kinds: slices.Clone(p.Kinds)}
	if p.Scope == nil {
		p.Scope = []string{"scope", "scp"}
		c.scopeString = true
	}
	if p.Audience == "" {
		p.Audience = "aud"
	}
	for _, t := range p.Types {
		t = jose.NormalizeType(t)
		if slices.Contains(neverTypes, t) {
			errs = append(errs, fmt.Errorf("Profile.Types: %q is the type of tokens that are no access tokens", t))
		}
		c.types = append(c.types, t)
		c.typed = c.typed && t == "at+jwt"
	}
	claim := func(field, name string, add func(string) int) int {
		if name == "" {
			errs = append(errs, fmt.Errorf("Profile.%s: an empty claim name", field))
		}
		return add(name)
	}
	for _, name := range p.ClientID {
		c.clientID = append(c.clientID, claim("ClientID", name, c.AddStrict))
	}
	for _, name := range p.Scope {
		c.scope = append(c.scope, claim("Scope", name, c.Add))
	}
	c.audience = claim("Audience", p.Audience, c.AddStrict)
	for _, name := range p.Required {
		c.required = append(c.required, claim("Required", name, c.Add))
	}
	c.tokenType = c.Add("token_type")
	var err error
	if c.client, err = p.Client.compile(names); err != nil {
		errs = append(errs, fmt.Errorf("Profile.Client: %w", err))
	}
	switch {
	case p.Kind == "" && len(p.Kinds) > 0:
		errs = append(errs, errors.New("Profile.Kinds without Kind, the claim that has these values"))
	case p.Kind != "" && len(p.Kinds) == 0:
		errs = append(errs, errors.New("Profile.Kind without Kinds, the values that access tokens have there"))
	case slices.Contains(p.Kinds, ""):
		errs = append(errs, errors.New("Profile.Kinds has an empty value, which a token without the claim would have too"))
	case p.Kind != "":
		c.kind = claim("Kind", p.Kind, c.AddStrict)
	}
	if !c.typed {
		for _, name := range neverClaims {
			c.forbidden = append(c.forbidden, c.Add(name))
		}
		if c.kind < 0 {
			for _, name := range idTokenClaims {
				c.forbidden = append(c.forbidden, c.Add(name))
			}
		}
	}
	return c, errors.Join(errs...)
}

// acceptsType reports whether a header's typ is an access token's.
func (c *profile) acceptsType(typ string) bool {
	return slices.Contains(c.types, typ) || slices.Contains(c.types, jose.NormalizeType(typ))
}

package jwks

import (
	"errors"
	"fmt"
	"slices"

	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/internal/jose"
)

// Profile describes an issuer's access tokens where they differ from RFC 9068.
// The zero Profile is RFC 9068: typ is at+jwt, and the claims sub, client_id, iat
// and jti are present.
//
// Every profile requires iss, exp, an audience and a client ID (see ClientID for
// issuers whose tokens have none). Every profile refuses logout tokens, DPoP
// proofs, introspection responses and client assertions (RFC 8725, Section 3.12).
// It refuses ID tokens by typ or by Kind. If neither tells them apart, it refuses
// them by claims that only ID tokens have, and by claims that they lack.
type Profile struct {
	// Types are the accepted values of the header's typ, compared
	// case-insensitively and without "application/". The empty string accepts a
	// token without typ. Default: at+jwt.
	Types []string

	// ClientID names the claims that may contain the client's ID. The first one
	// that a token has counts. The claim aud counts if it has one value. An
	// empty string at the end accepts a token without client, which must then
	// have a subject: [bearer.Principal.ClientID] is empty. If the issuer attests
	// workloads, each of which is its own client, name sub. Default: client_id.
	ClientID []string

	// Subjects lists the accepted subjects: a token must have one of them. A value
	// that ends in a slash or a colon accepts all subjects that begin with it,
	// such as repo:acme@9919/ or spiffe://acme.example.com/shop/. Set it where more
	// callers than yours can get a token for your audience. Default: any subject.
	Subjects []string

	// Scope names the claims that may contain the scopes, as a string or as an
	// array. The first one that a token has counts; if it is malformed, the
	// token has no scopes. Default: scope, which must then be a string (RFC
	// 9068, Section 2.2.3), and scp.
	Scope []string

	// Roles are JSON pointers (RFC 6901) to the caller's roles, for
	// [bearer.Principal.Roles]. Several are united, so list only places whose
	// roles mean the same to this API. At each place there may be one role as a
	// string, an array of roles, or Zitadel's object whose names are the roles.
	// What is malformed grants no role. Write ~1 for a slash in a name, and ~0
	// for a tilde. Default: /roles (RFC 9068, Section 2.2.3.1). An empty list
	// that is not nil reads no roles.
	Roles []string

	// Audience names the claim that contains the audience. Default: aud.
	Audience string

	// Kind names the claim that distinguishes the issuer's access tokens from
	// its other tokens, and Kinds lists the values that access tokens have
	// there. Default: none. Without Kind, and with a typ other than at+jwt, a
	// token is refused if it has a claim that only ID tokens have (nonce,
	// at_hash, c_hash, s_hash), or if its client is its audience and it has
	// neither scopes nor jti.
	Kind  string
	Kinds []string

	// Required are claims that a token must have in addition to those that are
	// always required: present, well-formed and not null. Default: sub, iat and
	// jti (RFC 9068, Section 2.2). An empty list that is not nil requires none.
	Required []string

	// Client says how the issuer marks a token that a client got for itself, for
	// [bearer.Principal.IsClient]. Default: sub is the client's ID.
	Client ClientMark

	// ClientsOnly refuses tokens without the mark of Client: those of users.
	// Default: off.
	ClientsOnly bool
}

// neverTypes are types of JWTs that are not access tokens, whatever the profile
// says (RFC 8725, Section 3.11): the registered types of JWTs that authorization
// servers and their clients sign.
var neverTypes = []string{
	"logout+jwt", "dpop+jwt", "token-introspection+jwt", "secevent+jwt",
	"oauth-authz-req+jwt", "client-authentication+jwt", "id+jwt", "idtoken+jwt",
}

// neverClaims mark a JWT that is not an access token if typ does not: a logout
// token or another security event, an introspection response, a DPoP proof.
var neverClaims = []string{"events", "token_introspection", "htm", "htu"}

// idTokenClaims are claims that only ID tokens have.
var idTokenClaims = []string{"nonce", "at_hash", "c_hash", "s_hash"}

// profile is a compiled [Profile]. It refers to claims by index.
type profile struct {
	*claims.Names
	types       []string // normalized
	typed       bool     // typ alone identifies an access token
	clientID    []int
	noClient    bool // a token without client is accepted
	subjects    []string
	scope       []int
	scopeString bool // the claim scope must be a string
	roles       []claims.Pointer
	audience    int
	kind        int // negative: no claim
	kinds       []string
	required    []int
	forbidden   []int
	tokenType   int
	client      clientMark
	clientsOnly bool
}

// compile compiles p. All profiles of a verifier share names, so that a token is
// read once, before its issuer is known.
func (p Profile) compile(names *claims.Names) (*profile, error) {
	errs := []error{p.check()}
	c := &profile{
		Names: names, kind: -1, kinds: slices.Clone(p.Kinds), scopeString: p.Scope == nil, clientsOnly: p.ClientsOnly,
		subjects: slices.Clone(p.Subjects),
	}
	p = p.withDefaults()
	c.types, c.typed = p.compileTypes()
	for _, name := range p.ClientID {
		if name == "" {
			c.noClient = true
			continue
		}
		c.clientID = append(c.clientID, c.AddStrict(name))
	}
	for _, name := range p.Scope {
		c.scope = append(c.scope, c.Add(name))
	}
	var err error
	c.roles, err = c.AddPointers("Profile.Roles", p.Roles)
	errs = append(errs, err)
	c.audience = c.AddStrict(p.Audience)
	for _, name := range p.Required {
		c.required = append(c.required, c.Add(name))
	}
	c.tokenType = c.Add("token_type")
	if p.Kind != "" {
		c.kind = c.AddStrict(p.Kind)
	}
	if !c.typed {
		c.forbid(neverClaims)
		if c.kind < 0 {
			c.forbid(idTokenClaims)
		}
	}
	if c.client, err = p.Client.compile(names); err != nil {
		errs = append(errs, fmt.Errorf("Profile.Client: %w", err))
	}
	return c, errors.Join(errs...)
}

func (p Profile) withDefaults() Profile {
	if p.Types == nil {
		p.Types = []string{"at+jwt"}
	}
	if p.ClientID == nil {
		p.ClientID = []string{"client_id"}
	}
	if p.Scope == nil {
		p.Scope = []string{"scope", "scp"}
	}
	if p.Roles == nil {
		p.Roles = claims.DefaultRoles
	}
	if p.Audience == "" {
		p.Audience = "aud"
	}
	if p.Required == nil {
		p.Required = []string{"sub", "iat", "jti"}
	}
	return p
}

// compileTypes returns the normalized types, and whether the type alone
// identifies an access token.
func (p Profile) compileTypes() (types []string, typed bool) {
	typed = true
	for _, t := range p.Types {
		t = jose.NormalizeType(t)
		types = append(types, t)
		typed = typed && t == "at+jwt"
	}
	return types, typed
}

func (c *profile) forbid(names []string) {
	for _, name := range names {
		c.forbidden = append(c.forbidden, c.Add(name))
	}
}

// check reports the mistakes in p, except in Client.
func (p Profile) check() error {
	var errs []error
	mistake := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("Profile."+format, args...))
	}
	for _, list := range [...]struct {
		field    string
		names    []string
		required bool // the list may be nil, but not empty
	}{{"Types", p.Types, true}, {"ClientID", p.ClientID, true}, {"Subjects", p.Subjects, true}, {"Scope", p.Scope, false}, {"Required", p.Required, false}} {
		if list.required && list.names != nil && len(list.names) == 0 {
			mistake("%s is empty, so that no token is accepted; leave it out for the default", list.field)
		}
		if list.field != "Types" && list.field != "ClientID" && slices.Contains(list.names, "") {
			mistake("%s has an empty value; leave it out", list.field)
		}
	}
	if at := slices.Index(p.ClientID, ""); at >= 0 && at < len(p.ClientID)-1 {
		mistake("ClientID has an empty string before the end; put it last, to accept a token without client, or leave it out")
	}
	if p.ClientsOnly && p.Client == MarkNever {
		mistake("ClientsOnly is set with the mark MarkNever, so that no token is accepted; set Client to the issuer's mark")
	}
	for _, t := range p.Types {
		if t := jose.NormalizeType(t); slices.Contains(neverTypes, t) {
			mistake("Types: %q is the type of tokens that are not access tokens", t)
		}
	}
	switch {
	case p.Kind == "" && len(p.Kinds) > 0:
		mistake("Kinds is set without Kind; set Kind to the claim that has these values")
	case p.Kind != "" && len(p.Kinds) == 0:
		mistake("Kind is set without Kinds; set Kinds to the values that access tokens have there")
	case slices.Contains(p.Kinds, ""):
		mistake("Kinds has an empty value, which would also accept a token without the claim")
	}
	return errors.Join(errs...)
}

// acceptsType reports whether a header's typ is that of an access token.
func (c *profile) acceptsType(typ string) bool {
	return slices.Contains(c.types, jose.NormalizeType(typ))
}

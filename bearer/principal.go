package bearer

import (
	"errors"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/bearerkit/bearerkit/scope"
)

// Principal says who is calling: the facts of a token that was accepted. It is
// a value; lists come from methods that copy, so no handler can change what
// another request, or a cache, sees.
//
// Subject names a user or, in a token that a client got for itself, the
// client: see [Principal.IsClient].
type Principal struct {
	Issuer   string // iss
	Subject  string // sub
	ClientID string // client_id, or what the issuer's profile reads instead
	TokenID  string // jti

	Scopes scope.Set

	Expires  time.Time // exp
	IssuedAt time.Time // iat; zero if the token has none
	AuthTime time.Time // auth_time (RFC 9068, Section 2.2.1); zero if the token has none

	ACR string // acr (RFC 9068, Section 2.2.1)

	// TokenType is the scheme under which the token was accepted, "Bearer".
	// The guard sets it.
	TokenType string

	// Confirmation says to whom the token is bound (RFC 7800). A guard
	// refuses a bound token whose binding it cannot check.
	Confirmation Confirmation

	audience []string
	amr      []string
	claims   string
	stated   Stated
	holder   holder
}

// Confirmation is the cnf claim: the key or certificate that a token is bound
// to. The zero Confirmation is that of a token that is not bound.
type Confirmation struct {
	JKT     string // jkt: SHA-256 thumbprint of a DPoP key (RFC 9449, Section 6.1)
	X5TS256 string // x5t#S256: SHA-256 of a certificate (RFC 8705, Section 3.1)
	Other   bool   // the claim has members beyond these
}

// IsZero reports whether the token is not bound.
func (c Confirmation) IsZero() bool { return c == Confirmation{} }

// Audience returns the token's audience (aud), as a slice of the caller's own.
func (p Principal) Audience() []string { return slices.Clone(p.audience) }

// HasAudience reports whether the token's audience holds value, compared
// exactly.
func (p Principal) HasAudience(value string) bool { return slices.Contains(p.audience, value) }

// AMR returns how the user was authenticated (amr, RFC 8176), as a slice of
// the caller's own.
func (p Principal) AMR() []string { return slices.Clone(p.amr) }

// IsClient reports whether the token was issued to a client for itself and not
// for a user. How issuers mark such a token differs, so the verifier that knows
// the issuer decides it: a jwks.Verifier by jwks.Profile.Client, an
// introspect.Verifier by the members sub, client_id and username of the answer,
// or by the marks of Keycloak.
//
// Where no verifier has decided, sub is the client's id then (RFC 9068, Section
// 2.2), and a token without sub names no user either. With an issuer that does
// neither, nobody can tell: IsClient is false then, and [Principal.Subject] may
// be a client's. docs/issuers.md has a table of issuers.
func (p Principal) IsClient() bool {
	switch p.holder {
	case holderClient:
		return true
	case holderOther:
		return false
	}
	return p.Subject == "" || p.Subject == p.ClientID
}

// holder is what a verifier says of whose token it is.
type holder uint8

const (
	holderUnsaid holder = iota
	holderClient
	holderOther // a user's, or nobody can tell
)

// WithClient returns p as the principal of a token that a client got for itself,
// or of any other token, for verifiers.
func (p Principal) WithClient(is bool) Principal {
	p.holder = holderOther
	if is {
		p.holder = holderClient
	}
	return p
}

// Claims decodes the token's claims into v, by the rules of encoding/json/v2:
// names are compared case-sensitively. It fails if v does not fit, or if the
// verifier kept no claims.
func (p Principal) Claims(v any) error {
	if p.claims == "" {
		return errors.New("bearer: this principal has no claims to decode")
	}
	return json.Unmarshal([]byte(p.claims), v)
}

// WithAudience returns p with that audience, for verifiers.
func (p Principal) WithAudience(audience ...string) Principal {
	p.audience = slices.Clone(audience)
	return p
}

// WithAMR returns p with those authentication methods, for verifiers.
func (p Principal) WithAMR(amr ...string) Principal {
	p.amr = slices.Clone(amr)
	return p
}

// WithClaims returns p with the JSON object that [Principal.Claims] decodes,
// for verifiers.
func (p Principal) WithClaims(claims string) Principal {
	p.claims = claims
	return p
}

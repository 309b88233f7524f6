package bearer

import (
	"errors"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/bearerkit/bearerkit/scope"
)

// Principal identifies the caller: it has the claims of an accepted token. It is
// a value, and its methods return copies of lists, so a handler cannot change
// what another request or a cache sees.
//
// Subject identifies a user or, in a token that a client got for itself, the
// client; see [Principal.IsClient].
type Principal struct {
	Issuer   string // iss
	Subject  string // sub
	ClientID string // client_id, or what the issuer's profile reads instead; may be empty
	TokenID  string // jti

	// SessionID is sid, the user's session at the issuer (OpenID Connect
	// Back-Channel Logout, Section 2.1). It is empty if the token names none.
	SessionID string

	Scopes scope.Set

	Expires  time.Time // exp
	IssuedAt time.Time // iat; zero if the token has none
	AuthTime time.Time // auth_time (RFC 9068, Section 2.2.1); zero if the token has none

	ACR string // acr (RFC 9068, Section 2.2.1)

	// TokenType is the scheme under which the client sent the token: "Bearer" or
	// "DPoP". The guard sets it; verifiers leave it empty.
	TokenType string

	// Confirmation is the key or certificate to which the token is bound (RFC
	// 7800). A guard rejects a bound token whose binding it cannot check. If you
	// call a [Verifier] without a guard, reject principals with a non-zero
	// Confirmation.
	Confirmation Confirmation

	audience []string
	amr      []string
	roles    []string // sorted, each once
	claims   string
	stated   Stated
	holder   holder
}

// Confirmation is the cnf claim: the key or certificate to which a token is
// bound. The zero Confirmation means that the token is not bound.
type Confirmation struct {
	JKT     string // jkt: SHA-256 thumbprint of a DPoP key (RFC 9449, Section 6.1)
	X5TS256 string // x5t#S256: SHA-256 thumbprint of a certificate (RFC 8705, Section 3.1)
	Other   bool   // the claim has other members
}

// IsZero reports whether the token is not bound.
func (c Confirmation) IsZero() bool { return c == Confirmation{} }

// Audience returns a copy of the token's audience (aud).
func (p Principal) Audience() []string { return slices.Clone(p.audience) }

// HasAudience reports whether the token's audience contains exactly value.
func (p Principal) HasAudience(value string) bool { return slices.Contains(p.audience, value) }

// AMR returns a copy of the user's authentication methods (amr, RFC 8176).
func (p Principal) AMR() []string { return slices.Clone(p.amr) }

// IsClient reports whether a client got the token for itself and not for a user.
// Issuers mark such tokens differently, so the verifier decides: a jwks.Verifier
// by jwks.Profile.Client, an introspect.Verifier by the members sub, client_id
// and username of the answer, or by Keycloak's own claims.
//
// If the verifier has not decided, IsClient is true if sub is absent or equals
// client_id (RFC 9068, Section 2.2). With an issuer that marks such tokens in
// neither way, IsClient is false and [Principal.Subject] may identify a client.
// docs/issuers.md has a table of issuers.
func (p Principal) IsClient() bool {
	switch p.holder {
	case holderClient:
		return true
	case holderOther:
		return false
	}
	return p.Subject == "" || p.Subject == p.ClientID
}

// holder is the verifier's decision about who holds a token.
type holder uint8

const (
	holderUndecided holder = iota
	holderClient
	holderOther // a user, or unknown
)

// WithClient returns a copy of p for which [Principal.IsClient] returns is.
// Verifiers call it.
func (p Principal) WithClient(is bool) Principal {
	p.holder = holderOther
	if is {
		p.holder = holderClient
	}
	return p
}

// Claims decodes the token's claims into v by the rules of encoding/json/v2,
// which compare names case-sensitively. It returns an error if a claim does not
// fit into v, or if the verifier kept no claims.
func (p Principal) Claims(v any) error {
	if p.claims == "" {
		return errors.New("bearer: this principal has no claims to decode")
	}
	return json.Unmarshal([]byte(p.claims), v)
}

// WithAudience returns a copy of p with the given audience. Verifiers and tests
// call it.
func (p Principal) WithAudience(audience ...string) Principal {
	p.audience = slices.Clone(audience)
	return p
}

// WithAMR returns a copy of p with the given authentication methods. Verifiers
// and tests call it.
func (p Principal) WithAMR(amr ...string) Principal {
	p.amr = slices.Clone(amr)
	return p
}

// WithClaims returns a copy of p with the JSON object that [Principal.Claims]
// decodes. Verifiers and tests call it.
func (p Principal) WithClaims(claims string) Principal {
	p.claims = claims
	return p
}

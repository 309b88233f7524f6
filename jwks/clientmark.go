package jwks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
)

// ClientMark says how an issuer marks a token that a client got for itself, with
// no user involved (RFC 6749, Section 4.4). A user cannot set any of these marks
// on a token of their own.
type ClientMark string

const (
	// MarkSubject: sub is the client's ID (RFC 9068, Section 2.2), or the token
	// has no sub.
	MarkSubject ClientMark = ""

	// MarkServiceAccount is Keycloak's mark: preferred_username begins with
	// service-account-, and the token has client_id, clientId, clientHost or
	// clientAddress. The name alone does not count, because users may choose
	// theirs. Keycloak's client scopes profile and service_account add these
	// claims.
	MarkServiceAccount ClientMark = "service account"

	// MarkAppOnly is Entra ID's mark: idtyp is app. Without the optional claim
	// idtyp, oid equals sub and there is no scp.
	MarkAppOnly ClientMark = "app only"

	// MarkGrantType is Auth0's mark: gty is client-credentials, or sub is the
	// client's ID followed by @clients.
	MarkGrantType ClientMark = "grant type"

	// MarkNoUser is the mark of Okta and Cognito: sub is the client's ID, and
	// there is neither uid nor username.
	MarkNoUser ClientMark = "no user"

	// MarkNever is for issuers that give tokens to users only, or that do not
	// mark clients' own tokens: no token counts as a client's own.
	MarkNever ClientMark = "never"
)

// markClaims are the claims that a mark depends on, in the order that setClient
// expects.
var markClaims = map[ClientMark][]string{
	MarkSubject:        nil,
	MarkServiceAccount: {"preferred_username", "client_id", "clientId", "clientHost", "clientAddress"},
	MarkAppOnly:        {"idtyp", "oid", "scp"},
	MarkGrantType:      {"gty"},
	MarkNoUser:         {"uid", "username"},
	MarkNever:          nil,
}

// clientMark is a compiled [ClientMark]: it has the claims by index.
type clientMark struct {
	mark   ClientMark
	claims []int
}

func (m ClientMark) compile(names *claims.Names) (clientMark, error) {
	looked, ok := markClaims[m]
	if !ok {
		return clientMark{}, fmt.Errorf("%q; want one of the constants of type ClientMark", string(m))
	}
	c := clientMark{mark: m}
	for _, name := range looked {
		c.claims = append(c.claims, names.Add(name))
	}
	return c, nil
}

// setClient records in p whether a client got the token for itself.
func (c *profile) setClient(v *claims.Values, p *bearer.Principal) {
	m := &c.client
	text := func(i int) string {
		s, _ := v.Text(m.claims[i]) // a malformed claim is no mark
		return s
	}
	var is bool
	switch m.mark {
	case MarkServiceAccount:
		is = strings.HasPrefix(text(0), "service-account-") && slices.ContainsFunc(m.claims[1:], v.Has)
	case MarkAppOnly:
		if v.Sent(m.claims[0]) {
			is = text(0) == "app"
		} else {
			is = p.Subject != "" && text(1) == p.Subject && !v.Sent(m.claims[2])
		}
	case MarkGrantType:
		is = text(0) == "client-credentials" || p.Subject == p.ClientID+"@clients"
	case MarkNever:
	case MarkNoUser:
		is = p.Subject == p.ClientID && !slices.ContainsFunc(m.claims, v.Sent)
	default:
		if v.Has(claims.Sub) || !v.Sent(claims.Sub) {
			return // Principal.IsClient compares sub
		}
		// A malformed sub may be a user's: not a client.
	}
	*p = p.WithClient(is)
}

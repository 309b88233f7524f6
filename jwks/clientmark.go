package jwks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
)

// ClientMark is how an issuer marks a token that a client got for itself, with
// no user behind it (RFC 6749, Section 4.4). Each mark is one that a user cannot
// choose for a token of his own.
type ClientMark string

const (
	// MarkSubject: sub is the client's id (RFC 9068, Section 2.2), or the token
	// has no sub.
	MarkSubject ClientMark = ""

	// MarkServiceAccount is Keycloak's: preferred_username begins with
	// service-account-, and one of client_id, clientId, clientHost and
	// clientAddress is there. The name alone does not count, since users may
	// choose theirs. Keycloak adds these claims by the client scopes profile and
	// service_account.
	MarkServiceAccount ClientMark = "service account"

	// MarkAppOnly is that of Entra ID: idtyp is app. Without the optional claim
	// idtyp, oid is sub and there is no scp.
	MarkAppOnly ClientMark = "app only"

	// MarkGrantType is that of Auth0: gty is client-credentials, or sub is the
	// client's id followed by @clients.
	MarkGrantType ClientMark = "grant type"

	// MarkNoUser is that of Okta and Cognito: sub is the client's id, and there
	// is neither uid nor username.
	MarkNoUser ClientMark = "no user"
)

// markClaims are the claims that a mark looks at, in the order of isClient.
var markClaims = map[ClientMark][]string{
	MarkSubject:        nil,
	MarkServiceAccount: {"preferred_username", "client_id", "clientId", "clientHost", "clientAddress"},
	MarkAppOnly:        {"idtyp", "oid", "scp"},
	MarkGrantType:      {"gty"},
	MarkNoUser:         {"uid", "username"},
}

// clientMark is a ClientMark with the claims by their index.
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

// setClient notes in p whether a client got the token for itself.
func (c *profile) setClient(v *claims.Values, p *bearer.Principal) {
	m := &c.client
	text := func(i int) string {
		s, err := v.Text(m.claims[i])
		if err != nil {
			return ""
		}
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
	case MarkNoUser:
		is = p.Subject == p.ClientID && !slices.ContainsFunc(m.claims, v.Sent)
	default:
		if v.Has(claims.Sub) || !v.Sent(claims.Sub) {
			return // Principal.IsClient compares sub by itself
		}
		// A malformed sub may be a user's.
	}
	*p = p.WithClient(is)
}

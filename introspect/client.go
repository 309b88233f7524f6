package introspect

import (
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
)

// clientNames are the members that show whether a client got the token for itself.
type clientNames struct {
	username, preferred int
	session             []int // Keycloak sends these only for a client's own session
}

func newClientNames(n *claims.Names) clientNames {
	return clientNames{
		username: n.Add("username"), preferred: n.Add("preferred_username"),
		session: []int{n.Add("clientHost"), n.Add("clientAddress"), n.Add("clientId")},
	}
}

// isClient reports whether a client got the token for itself. An answer shows it in
// one of three ways:
//
//   - sub is the client ID (RFC 9068, Section 2.2), and username is absent or
//     equal to it.
//   - sub and username are absent. They would name the resource owner (RFC 7662,
//     Section 2.2).
//   - It is Keycloak's answer about a service account. The name alone does not
//     suffice, since a user may choose one like it.
//
// A malformed sub or username may be a user's, so it shows nothing.
func (n clientNames) isClient(v *claims.Values, p *bearer.Principal) bool {
	text := func(i int) string {
		s, _ := v.Text(i) // empty if it is malformed: these members are lenient
		return s
	}
	username := text(n.username)
	if v.Sent(n.username) != v.Has(n.username) || v.Sent(claims.Sub) != v.Has(claims.Sub) {
		return false
	}
	if p.Subject == "" || p.Subject == p.ClientID {
		return username == "" || username == p.ClientID
	}
	const account = "service-account-"
	return (strings.HasPrefix(username, account) || strings.HasPrefix(text(n.preferred), account)) &&
		slices.ContainsFunc(n.session, v.Has)
}

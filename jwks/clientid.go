package jwks

import (
	"fmt"
	"strings"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
)

// readClientID returns the first claim of Profile.ClientID that the token has. An
// aud with several values does not name a client.
func (c *profile) readClientID(v *claims.Values) (string, error) {
	for _, i := range c.clientID {
		switch {
		case !v.Has(i):
		case i != claims.Aud:
			return v.Text(i)
		default:
			if audience, err := v.List(i); err != nil || len(audience) == 1 {
				return strings.Join(audience, ""), err
			}
		}
	}
	return "", nil
}

// checkClientID refuses a token that names neither a client nor, where the profile
// does not need a client, a subject.
func (c *profile) checkClientID(p *bearer.Principal) *bearer.Error {
	if p.ClientID != "" || c.noClient && p.Subject != "" {
		return nil
	}
	names := make([]string, len(c.clientID))
	for i, claim := range c.clientID {
		names[i] = c.Name(claim)
	}
	if c.noClient {
		names = append(names, "sub")
	}
	return missing(fmt.Sprintf("one of the claims %q", names), "none")
}

// checkClient refuses the token of a user if the profile is for clients only.
func (c *profile) checkClient(p *bearer.Principal) *bearer.Error {
	if !c.clientsOnly || p.IsClient() {
		return nil
	}
	refused := bearer.Invalid("kind", "a token that a client got for itself (Profile.ClientsOnly)", "a user's token")
	refused.Hint = "the client must send the token of a service account; to accept users too, leave out ClientsOnly in Issuer.Profile"
	return refused
}

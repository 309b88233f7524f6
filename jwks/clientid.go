package jwks

import (
	"fmt"
	"slices"
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

// checkHolder refuses a token whose subject is not accepted, and the token of a user
// if the profile is for clients only.
func (c *profile) checkHolder(p *bearer.Principal) *bearer.Error {
	if c.subjects != nil && !slices.ContainsFunc(c.subjects, func(s string) bool { return matches(s, p.Subject) }) {
		refused := bearer.Invalid("sub", fmt.Sprintf("one of %q (Profile.Subjects)", c.subjects), fmt.Sprintf("%.200q", p.Subject))
		refused.Hint = "if this subject may call the API, add it to Subjects in Issuer.Profile"
		return refused
	}
	if c.clientsOnly && !p.IsClient() {
		refused := bearer.Invalid("kind", "a token that a client got for itself (Profile.ClientsOnly)", "a user's token")
		refused.Hint = "the client must send the token of a service account; to accept users too, leave out ClientsOnly in Issuer.Profile"
		return refused
	}
	return nil
}

// matches reports whether a subject is the accepted one, or begins with it if that
// ends in a separator.
func matches(accepted, subject string) bool {
	if strings.HasSuffix(accepted, "/") || strings.HasSuffix(accepted, ":") {
		return strings.HasPrefix(subject, accepted)
	}
	return subject == accepted
}

package claims

import "github.com/bearerkit/bearerkit/bearer"

// Stated returns which claims the document contains, malformed ones included: a
// claim that cannot be read must narrow, and never leave another's value. null is
// absent.
// audience and scopes are the indexes of what is read as these.
func (v *Values) Stated(audience int, scopes ...int) bearer.Stated {
	s := v.stated(bearer.StatedAudience, audience) |
		v.stated(bearer.StatedAuthTime, AuthTime) |
		v.stated(bearer.StatedACR, ACR) |
		v.stated(bearer.StatedAMR, AMR)
	for _, i := range scopes {
		s |= v.stated(bearer.StatedScopes, i)
	}
	return s
}

func (v *Values) stated(s bearer.Stated, claim int) bearer.Stated {
	if v.Sent(claim) {
		return s
	}
	return 0
}

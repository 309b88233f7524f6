package claims

import (
	"time"

	"github.com/bearerkit/bearerkit/bearer"
)

// Principal returns a principal of the standard claims, but for those that
// issuers name differently: client id, scopes and audience.
func (v *Values) Principal() (bearer.Principal, error) {
	var p bearer.Principal
	if err := v.PrincipalInto(&p); err != nil {
		return p, err
	}
	amr, err := v.Strings(AMR)
	if err != nil {
		return p, err
	}
	return p.WithAMR(amr...), nil
}

// PrincipalInto is [Values.Principal], but for amr, for a principal at hand.
func (v *Values) PrincipalInto(p *bearer.Principal) error {
	for _, text := range [...]struct {
		to    *string
		claim int
	}{{&p.Subject, Sub}, {&p.TokenID, Jti}, {&p.ACR, ACR}} {
		s, err := v.Text(text.claim)
		if err != nil {
			return err
		}
		*text.to = s
	}
	for _, date := range [...]struct {
		to    *time.Time
		claim int
	}{{&p.Expires, Exp}, {&p.IssuedAt, Iat}, {&p.AuthTime, AuthTime}} {
		t, err := v.Date(date.claim)
		if err != nil {
			return err
		}
		*date.to = t
	}
	var err error
	p.Confirmation, err = v.Confirmation()
	return err
}

// CheckTimes judges nbf, iat and exp (RFC 7519, Section 4.1) with a leeway for
// clocks that are off. Whether a token has expired is said last, of one that is
// otherwise good. A time that is zero is not judged.
func CheckTimes(now, notBefore time.Time, p *bearer.Principal, leeway time.Duration) *bearer.Error {
	at := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	switch {
	case now.Before(notBefore.Add(-leeway)):
		return bearer.Invalid("nbf", "a time up to now, "+at(now), at(notBefore))
	case now.Before(p.IssuedAt.Add(-leeway)):
		return bearer.Invalid("iat", "a time up to now, "+at(now), at(p.IssuedAt))
	case !p.Expires.IsZero() && !now.Before(p.Expires.Add(leeway)):
		return bearer.Expired("a time after now, "+at(now), at(p.Expires))
	}
	return nil
}

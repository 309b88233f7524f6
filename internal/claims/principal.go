package claims

import (
	"errors"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// Principal returns a principal with the standard claims. It leaves out the
// client ID, scopes and audience, which issuers send under different names.
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

// PrincipalInto sets the fields of p as [Values.Principal] does, except amr.
func (v *Values) PrincipalInto(p *bearer.Principal) error {
	for _, text := range [...]struct {
		to    *string
		claim int
	}{{&p.Subject, Sub}, {&p.TokenID, Jti}, {&p.SessionID, Sid}, {&p.ACR, ACR}} {
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

// Confirmation reads cnf (RFC 7800). A cnf without a known method still binds
// the token, even if all its members are null: its Other is then set.
func (v *Values) Confirmation() (bearer.Confirmation, error) {
	var c bearer.Confirmation
	if v.raw[Cnf] == nil {
		return c, nil
	}
	err := strictjson.Object(v.raw[Cnf], func(name []byte, value strictjson.Value) (err error) {
		switch {
		case value.Kind() == 'n':
		case string(name) == "jkt":
			c.JKT, err = digest(value)
		case string(name) == "x5t#S256":
			c.X5TS256, err = digest(value)
		default:
			c.Other = true
		}
		return err
	})
	if err != nil {
		return bearer.Confirmation{Other: true}, v.malformed(Cnf, err)
	}
	if c.IsZero() {
		c.Other = true
	}
	return c, nil
}

// digest returns a SHA-256 digest in base64url, as it was sent.
func digest(value strictjson.Value) (string, error) {
	s, err := strictjson.String(value)
	if err != nil {
		return "", err
	}
	if sum, err := jose.DecodeBase64URL(s); err != nil || len(sum) != 32 {
		return "", errors.New("not a SHA-256 digest in base64url")
	}
	return s, nil
}

// KeyUnnamed reports whether tokenType says that the token is bound to a DPoP
// key (RFC 9449, Section 5) but c does not name the key. Nobody can check such
// a binding.
func KeyUnnamed(tokenType string, c bearer.Confirmation) bool {
	return c.JKT == "" && strings.EqualFold(tokenType, "DPoP")
}

// Stated returns the claims that the document has, malformed ones included: a
// malformed claim must narrow what the token permits, and not leave the decision
// to another verifier. A null claim is absent. audience and scopes are the
// indexes of the claims from which the audience and the scopes are read.
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

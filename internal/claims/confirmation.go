package claims

import (
	"errors"
	"strings"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// Confirmation reads cnf (RFC 7800). A claim that binds the token in no way
// that is known binds it all the same, also if all its members are null.
func (v *Values) Confirmation() (bearer.Confirmation, error) {
	var c bearer.Confirmation
	if v.raw[Cnf] == nil {
		return c, nil
	}
	known := func(value strictjson.Value) (string, error) {
		s, err := strictjson.String(value)
		if err != nil {
			return "", err
		}
		if digest, err := jose.DecodeBase64URL(s); err != nil || len(digest) != 32 {
			return "", errors.New("not the base64url of a SHA-256 digest")
		}
		return s, nil
	}
	err := strictjson.Object(v.raw[Cnf], func(name []byte, value strictjson.Value) (err error) {
		switch {
		case value.Kind() == 'n':
		case string(name) == "jkt":
			c.JKT, err = known(value)
		case string(name) == "x5t#S256":
			c.X5TS256, err = known(value)
		default:
			c.Other = true
		}
		return err
	})
	if err != nil {
		return bearer.Confirmation{Other: true}, v.unreadable(Cnf, err)
	}
	if c.IsZero() {
		c.Other = true
	}
	return c, nil
}

// KeyUnnamed reports whether a token of this type is bound to a key (RFC 9449,
// Section 5) that c does not name, so that nobody can check the binding.
func KeyUnnamed(tokenType string, c bearer.Confirmation) bool {
	return c.JKT == "" && strings.EqualFold(tokenType, "DPoP")
}

// Package claims reads the claims of access tokens (RFC 7519, RFC 9068), which
// are the members of introspection responses too (RFC 7662), strictly: each is
// of its type, or it is an error; null is no way to leave one out.
package claims

import (
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/strictjson"
	"github.com/bearerkit/bearerkit/scope"
)

// The claims that every [Names] has, by index.
const (
	Iss = iota
	Sub
	Aud
	Exp
	Nbf
	Iat
	Jti
	AuthTime
	ACR
	AMR
	Cnf
	standard
)

var standardNames = [standard]string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "auth_time", "acr", "amr", "cnf",
}

// Names are the claims that documents are read for. After the last [Names.Add]
// it is safe for concurrent use.
type Names struct {
	index map[string]int
	names []string
}

// NewNames returns Names of the standard claims.
func NewNames() *Names {
	n := &Names{index: make(map[string]int)}
	for _, name := range standardNames {
		n.Add(name)
	}
	return n
}

// Add adds a claim, unless it is there already, and returns its index.
func (n *Names) Add(name string) int {
	if i, ok := n.index[name]; ok {
		return i
	}
	n.index[name] = len(n.names)
	n.names = append(n.names, name)
	return len(n.names) - 1
}

// Name returns the name of the claim at index i.
func (n *Names) Name(i int) string { return n.names[i] }

// Read reads a document in one strict pass.
func (n *Names) Read(document []byte) (Values, error) {
	values := make(Values, len(n.names))
	err := strictjson.Object(document, func(name []byte, value strictjson.Value) error {
		if i, ok := n.index[string(name)]; ok {
			values[i] = value
		}
		return nil
	})
	return values, err
}

// Values are the claims of a document, raw, by index; nil is absent. They alias
// the document.
type Values []strictjson.Value

// Has reports whether the claim is there.
func (v Values) Has(i int) bool { return v[i] != nil }

// IsEmptyText reports whether the claim is the empty string.
func (v Values) IsEmptyText(i int) bool { return string(v[i]) == `""` }

// Text returns a claim that must be a string if it is there.
func (v Values) Text(i int) (string, error) {
	if v[i] == nil {
		return "", nil
	}
	return strictjson.String(v[i])
}

// FirstText returns the first of some claims that is there.
func (v Values) FirstText(indexes []int) (string, error) {
	for _, i := range indexes {
		if v[i] != nil {
			return strictjson.String(v[i])
		}
	}
	return "", nil
}

// List returns a claim that may be one string or an array of strings (RFC
// 7519, Section 4.1.3).
func (v Values) List(i int) ([]string, error) {
	if v[i] == nil {
		return nil, nil
	}
	if v[i].Kind() == '"' {
		s, err := strictjson.String(v[i])
		return []string{s}, err
	}
	return strictjson.Strings(v[i])
}

// maxNumericDate is the end of the year 9999; no token means a later time.
const maxNumericDate = 253402300799

// Date returns a claim that must be a NumericDate if it is there: a JSON
// number, integer or not (RFC 7519, Section 2). The zero time is absent.
func (v Values) Date(i int) (time.Time, error) {
	if v[i] == nil {
		return time.Time{}, nil
	}
	if v[i].Kind() != '0' {
		return time.Time{}, errors.New("not a number")
	}
	seconds, err := strconv.ParseFloat(string(v[i]), 64)
	if err != nil || seconds < 0 || seconds > maxNumericDate {
		return time.Time{}, errors.New("a number that is no time from 1970 to 9999")
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)), nil
}

// Scopes returns the scopes of the first of some claims that is there: one
// string (RFC 6749, Section 3.3), or an array of names, unless text demands the
// string of the claim at hand.
func (v Values) Scopes(indexes []int, text func(i int) bool) (scope.Set, error) {
	for _, i := range indexes {
		switch {
		case v[i] == nil:
			continue
		case v[i].Kind() == '"' || text(i):
			s, err := strictjson.String(v[i])
			if err != nil {
				return scope.Set{}, err
			}
			return scope.Parse(s)
		}
		names, err := strictjson.Strings(v[i])
		if err != nil {
			return scope.Set{}, err
		}
		return scope.New(names...)
	}
	return scope.Set{}, nil
}

// Confirmation reads cnf (RFC 7800). A claim that binds the token in no way
// that is known binds it all the same.
func (v Values) Confirmation() (bearer.Confirmation, error) {
	var c bearer.Confirmation
	if v[Cnf] == nil {
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
	err := strictjson.Object(v[Cnf], func(name []byte, value strictjson.Value) (err error) {
		switch string(name) {
		case "jkt":
			c.JKT, err = known(value)
		case "x5t#S256":
			c.X5TS256, err = known(value)
		default:
			c.Other = true
		}
		return err
	})
	if c.IsZero() {
		c.Other = true
	}
	return c, err
}

// Principal reads the standard claims into a principal, but for those that
// issuers name differently: client id, scopes and audience. The error names the
// claim that is malformed.
func (v Values) Principal() (bearer.Principal, *Error) {
	var p bearer.Principal
	for _, text := range [...]struct {
		to    *string
		claim int
	}{{&p.Subject, Sub}, {&p.ID, Jti}, {&p.ACR, ACR}} {
		s, err := v.Text(text.claim)
		if err != nil {
			return p, &Error{standardNames[text.claim], err}
		}
		*text.to = s
	}
	for _, date := range [...]struct {
		to    *time.Time
		claim int
	}{{&p.Expires, Exp}, {&p.IssuedAt, Iat}, {&p.AuthTime, AuthTime}} {
		t, err := v.Date(date.claim)
		if err != nil {
			return p, &Error{standardNames[date.claim], err}
		}
		*date.to = t
	}
	var err error
	if p.Confirmation, err = v.Confirmation(); err != nil {
		return p, &Error{"cnf", err}
	}
	amr, err := v.List(AMR)
	if err != nil {
		return p, &Error{"amr", err}
	}
	return p.WithAMR(amr...), nil
}

// Error says which claim is malformed, and how.
type Error struct {
	Claim string
	Err   error
}

func (e *Error) Error() string { return e.Claim + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

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

// Package claims reads the claims of access tokens (RFC 7519, RFC 9068), which
// are the members of introspection responses too (RFC 7662), strictly: each is
// of its type, or it is an error; null is no way to leave one out.
package claims

import (
	"bytes"
	"errors"
	"math"
	"slices"
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
	names []string
	// places has the indexes plus one of the names whose hash is the place's,
	// as a chain: nearly all places have none or one.
	places [256]uint16
	next   []uint16 // in the chain, by index
}

// NewNames returns Names of the standard claims.
func NewNames() *Names {
	n := new(Names)
	for _, name := range standardNames {
		n.Add(name)
	}
	return n
}

// Add adds a claim, unless it is there already, and returns its index.
func (n *Names) Add(name string) int {
	if i, ok := n.find([]byte(name)); ok {
		return i
	}
	place := place([]byte(name))
	n.names = append(n.names, name)
	n.next = append(n.next, n.places[place])
	n.places[place] = uint16(len(n.names))
	return len(n.names) - 1
}

// find returns the index of a name. The names are ours, so nobody outside can
// make a chain long.
func (n *Names) find(name []byte) (index int, ok bool) {
	for i := n.places[place(name)]; i != 0; i = n.next[i-1] {
		if n.names[i-1] == string(name) {
			return int(i - 1), true
		}
	}
	return 0, false
}

func place(name []byte) uint8 {
	if len(name) == 0 {
		return 0
	}
	return uint8(len(name))*29 + name[0]*7 + name[len(name)-1]*3 + name[len(name)/2]
}

// Name returns the name of the claim at index i.
func (n *Names) Name(i int) string { return n.names[i] }

// Read reads a document in one strict pass.
func (n *Names) Read(document []byte) (Values, error) {
	var v Values
	err := v.Read(n, document)
	return v, err
}

// Values are the claims of a document, by index. They alias the document. Their
// memory can be used for one document after the other; the zero Values is ready
// to read.
type Values struct {
	raw  []strictjson.Value // nil: absent
	at   []int              // where each begins
	text string             // the document, if it is kept
}

// Read reads another document into v.
func (v *Values) Read(n *Names, document []byte) error {
	v.Clear()
	v.raw = slices.Grow(v.raw[:0], len(n.names))[:len(n.names)]
	v.at = slices.Grow(v.at[:0], len(n.names))[:len(n.names)]
	return strictjson.Members(document, func(name []byte, at int, value strictjson.Value) error {
		if i, ok := n.find(name); ok {
			v.raw[i], v.at[i] = value, at
		}
		return nil
	})
}

// KeepText copies the document that v was read from, once: texts that are
// read from then on are parts of the copy where they have no escapes, and not
// copies of their own.
func (v *Values) KeepText(document []byte) {
	if v.text == "" {
		v.text = string(document)
	}
}

// KeptText returns that copy.
func (v *Values) KeptText() string { return v.text }

// Clear makes v forget its document.
func (v *Values) Clear() {
	clear(v.raw)
	v.text = ""
}

// Raw returns a claim as it stands in the document, nil if it is absent.
func (v *Values) Raw(i int) strictjson.Value { return v.raw[i] }

// Has reports whether the claim is there.
func (v *Values) Has(i int) bool { return v.raw[i] != nil }

// IsEmptyText reports whether the claim is the empty string.
func (v *Values) IsEmptyText(i int) bool { return string(v.raw[i]) == `""` }

// string returns the string that a part of the document is, which begins at a
// byte of it.
func (v *Values) string(at int, value strictjson.Value) (string, error) {
	if v.text == "" {
		return strictjson.String(value)
	}
	if value[0] != '"' || bytes.IndexByte(value, '\\') >= 0 {
		return strictjson.String(value)
	}
	return v.text[at+1 : at+len(value)-1], nil // it was read strictly
}

// Text returns a claim that must be a string if it is there.
func (v *Values) Text(i int) (string, error) {
	if v.raw[i] == nil {
		return "", nil
	}
	return v.string(v.at[i], v.raw[i])
}

// FirstText returns the first of some claims that is there.
func (v *Values) FirstText(indexes []int) (string, error) {
	for _, i := range indexes {
		if v.raw[i] != nil {
			return v.Text(i)
		}
	}
	return "", nil
}

// List returns a claim that may be one string or an array of strings (RFC
// 7519, Section 4.1.3).
func (v *Values) List(i int) (list []string, err error) {
	if v.raw[i] == nil {
		return list, nil
	}
	if v.raw[i].Kind() == '"' {
		s, err := v.Text(i)
		return []string{s}, err
	}
	err = strictjson.Elements(v.raw[i], func(at int, element strictjson.Value) error {
		s, err := v.string(v.at[i]+at, element)
		if err == nil {
			list = append(list, s)
		}
		return err
	})
	return list, err
}

// maxNumericDate is the end of the year 9999; no token means a later time.
const maxNumericDate = 253402300799

// Date returns a claim that must be a NumericDate if it is there. The zero time
// is absent.
func (v *Values) Date(i int) (time.Time, error) {
	if v.raw[i] == nil {
		return time.Time{}, nil
	}
	return Date(v.raw[i])
}

// Date returns the time that a NumericDate is: a JSON number, integer or not
// (RFC 7519, Section 2).
func Date(value strictjson.Value) (time.Time, error) {
	if value.Kind() != '0' {
		return time.Time{}, errors.New("not a number")
	}
	if seconds, ok := fewDigits(value); ok {
		return time.Unix(seconds, 0), nil
	}
	seconds, err := strconv.ParseFloat(string(value), 64)
	if err != nil || seconds < 0 || seconds > maxNumericDate {
		return time.Time{}, errors.New("a number that is no time from 1970 to 9999")
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)), nil
}

// fewDigits reads a number of at most eleven digits and nothing else, which
// nearly all dates are.
func fewDigits(value []byte) (n int64, ok bool) {
	if len(value) > 11 {
		return 0, false
	}
	for _, c := range value {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, true
}

// Scopes returns the scopes of the first of some claims that is there: one
// string (RFC 6749, Section 3.3), or an array of names, unless text demands the
// string of the claim at hand.
func (v *Values) Scopes(indexes []int, text func(i int) bool) (scope.Set, error) {
	return v.ScopesBy(scope.Parse, indexes, text)
}

// ScopesBy is [Values.Scopes] with another function that does what scope.Parse
// does.
func (v *Values) ScopesBy(parse func(string) (scope.Set, error), indexes []int, text func(i int) bool) (scope.Set, error) {
	for _, i := range indexes {
		switch {
		case v.raw[i] == nil:
			continue
		case v.raw[i].Kind() == '"' || text(i):
			s, err := v.Text(i)
			if err != nil {
				return scope.Set{}, err
			}
			return parse(s)
		}
		names, err := v.List(i)
		if err != nil {
			return scope.Set{}, err
		}
		return scope.New(names...)
	}
	return scope.Set{}, nil
}

// Confirmation reads cnf (RFC 7800). A claim that binds the token in no way
// that is known binds it all the same.
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

// Principal returns a principal of the standard claims, but for those that
// issuers name differently: client id, scopes and audience. The error names the
// claim that is malformed.
func (v *Values) Principal() (bearer.Principal, *Error) {
	var p bearer.Principal
	if err := v.PrincipalInto(&p); err != nil {
		return p, err
	}
	amr, err := v.List(AMR)
	if err != nil {
		return p, &Error{"amr", err}
	}
	return p.WithAMR(amr...), nil
}

// PrincipalInto is [Values.Principal], but for amr, for a principal at hand.
func (v *Values) PrincipalInto(p *bearer.Principal) *Error {
	for _, text := range [...]struct {
		to    *string
		claim int
	}{{&p.Subject, Sub}, {&p.ID, Jti}, {&p.ACR, ACR}} {
		s, err := v.Text(text.claim)
		if err != nil {
			return &Error{standardNames[text.claim], err}
		}
		*text.to = s
	}
	for _, date := range [...]struct {
		to    *time.Time
		claim int
	}{{&p.Expires, Exp}, {&p.IssuedAt, Iat}, {&p.AuthTime, AuthTime}} {
		t, err := v.Date(date.claim)
		if err != nil {
			return &Error{standardNames[date.claim], err}
		}
		*date.to = t
	}
	var err error
	if p.Confirmation, err = v.Confirmation(); err != nil {
		return &Error{"cnf", err}
	}
	return nil
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

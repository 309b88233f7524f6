package client

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/scope"
)

// Challenge is one challenge of a WWW-Authenticate field (RFC 9110, Section
// 11.6.1). Its values are the server's: quote them in logs, and do not fetch a URL
// in them without checking it first.
type Challenge struct {
	// Scheme is the authentication scheme, as the server spelled it. Schemes are
	// compared case-insensitively: see [Challenge.Is].
	Scheme string

	// Token68 is the value of a challenge that has one value without a name, such as
	// that of Negotiate. A challenge has either a Token68 or Params, or neither.
	Token68 string

	// Params holds the parameters by their lower-case names, with the escapes of
	// quoted-strings removed. Nil: none.
	Params map[string]string
}

// Is reports whether the challenge has the scheme, in any case.
func (c Challenge) Is(scheme string) bool { return strings.EqualFold(c.Scheme, scheme) }

// Param returns a parameter of the challenge. Its name is case-insensitive (RFC
// 9110, Section 11.2). Param returns false if the challenge does not have it.
func (c Challenge) Param(name string) (string, bool) {
	value, ok := c.Params[strings.ToLower(name)]
	return value, ok
}

// Limits of what a client requests because a server says so.
const (
	maxScopes = 64
	maxACRs   = 16
)

// Scope returns the scopes that the challenge names (RFC 6750, Section 3). It
// returns false if there are none, if one of them is malformed, or if there are
// more than 64. Repeated spaces between the names are ignored.
func (c Challenge) Scope() (scope.Set, bool) {
	names := words(c.Params["scope"])
	if len(names) > maxScopes {
		return scope.Set{}, false
	}
	set, err := scope.New(names...)
	return set, err == nil && !set.IsEmpty()
}

// StepUp returns the authentication that the challenge requires (RFC 9470, Section
// 3). A malformed max_age is ignored. At most 16 values of acr_values count.
func (c Challenge) StepUp() StepUp {
	need := StepUp{ACRValues: words(c.Params["acr_values"]), MaxAge: -1}
	need.ACRValues = need.ACRValues[:min(len(need.ACRValues), maxACRs)]
	if seconds, err := strconv.ParseUint(c.Params["max_age"], 10, 31); err == nil {
		need.MaxAge = time.Duration(seconds) * time.Second
	}
	return need
}

// words splits a list at its spaces.
func words(list string) []string {
	return slices.DeleteFunc(strings.Split(list, " "), func(word string) bool { return word == "" })
}

// String returns the challenge in the form of the field. All values are
// quoted-strings, and the parameters are in the order of their names.
// [ParseChallenges] parses it to the same challenge.
func (c Challenge) String() string {
	b := []byte(c.Scheme)
	if c.Token68 != "" {
		b = append(append(b, ' '), c.Token68...)
	}
	for i, name := range slices.Sorted(maps.Keys(c.Params)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, ' '), name...), '=', '"')
		for _, char := range []byte(c.Params[name]) {
			if char == '"' || char == '\\' {
				b = append(b, '\\')
			}
			b = append(b, char)
		}
		b = append(b, '"')
	}
	return string(b)
}

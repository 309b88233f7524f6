package claims

import (
	"errors"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/scope"
)

// Scopes returns the scopes of the first of some claims that was sent: one
// string (RFC 6749, Section 3.3), or an array of names, unless text demands the
// string of the claim at hand. A malformed claim grants nothing, and the next
// one does not stand in for it.
func (v *Values) Scopes(indexes []int, text func(i int) bool) (scope.Set, error) {
	return v.ScopesBy(ParseScope, indexes, text)
}

// ScopesBy is [Values.Scopes] with another function that does what [ParseScope]
// does.
func (v *Values) ScopesBy(parse func(string) (scope.Set, error), indexes []int, text func(i int) bool) (scope.Set, error) {
	for _, i := range indexes {
		if v.raw[i] == nil {
			continue
		}
		var set scope.Set
		var err error
		if v.raw[i].Kind() == '"' || text(i) {
			var s string
			if s, err = v.Text(i); err != nil || v.raw[i] == nil {
				return scope.Set{}, err
			}
			set, err = parse(s)
		} else {
			var names []string
			if names, err = v.Strings(i); err != nil || v.raw[i] == nil {
				return scope.Set{}, err
			}
			set, err = setOf(names)
		}
		if err != nil {
			return scope.Set{}, v.unreadable(i, err)
		}
		return set, nil
	}
	return scope.Set{}, nil
}

// ParseScope is [scope.Parse] for what an issuer sends: it ignores empty names,
// which a second space between two names makes, or a space at an end. The error
// does not quote s.
func ParseScope(s string) (scope.Set, error) {
	if set, err := scope.Parse(s); err == nil {
		return set, nil
	}
	return setOf(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }))
}

var errScope = errors.New("not names of scopes (RFC 6749, Section 3.3)")

func setOf(names []string) (scope.Set, error) {
	set, err := scope.New(slices.DeleteFunc(names, func(name string) bool { return name == "" })...)
	if err != nil {
		return scope.Set{}, errScope
	}
	return set, nil
}

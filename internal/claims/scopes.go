package claims

import (
	"errors"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/scope"
)

// Scopes returns the scopes in the first of the claims at indexes that was
// sent. The claim is a string of names (RFC 6749, Section 3.3) or an array of
// names; it must be a string if mustBeText reports true for its index. A
// malformed claim grants nothing, and the claims after it are not consulted.
func (v *Values) Scopes(indexes []int, mustBeText func(i int) bool) (scope.Set, error) {
	return v.ScopesBy(ParseScope, indexes, mustBeText)
}

// ScopesBy is [Values.Scopes] with a replacement for [ParseScope], for example
// one that caches its results.
func (v *Values) ScopesBy(parse func(string) (scope.Set, error), indexes []int, mustBeText func(i int) bool) (scope.Set, error) {
	for _, i := range indexes {
		if v.raw[i] == nil {
			continue
		}
		var set scope.Set
		var err error
		if v.raw[i].Kind() == '"' || mustBeText(i) {
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
			return scope.Set{}, v.malformed(i, err)
		}
		return set, nil
	}
	return scope.Set{}, nil
}

// ParseScope parses a scope value as [scope.Parse] does, but tolerates leading,
// trailing and repeated spaces, which some issuers send. The error does not
// quote s.
func ParseScope(s string) (scope.Set, error) {
	if set, err := scope.Parse(s); err == nil {
		return set, nil
	}
	return setOf(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }))
}

var errScope = errors.New("not scope names (RFC 6749, Section 3.3)")

func setOf(names []string) (scope.Set, error) {
	set, err := scope.New(slices.DeleteFunc(names, func(name string) bool { return name == "" })...)
	if err != nil {
		return scope.Set{}, errScope
	}
	return set, nil
}

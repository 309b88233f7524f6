// Package scope implements OAuth 2.0 scopes (RFC 6749, Section 3.3): the [Set]
// of scopes that a token was granted, the [Rule] of a route, and the
// [Hierarchy] in which an API declares that one scope implies others.
//
// Scopes are compared as a whole and are case-sensitive: orders:readall never
// satisfies orders:read. All types are immutable and safe for concurrent use.
package scope

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Set is a set of scope names. The zero Set is empty. Sets are comparable with
// ==: two sets are equal if they have the same names.
type Set struct {
	text string // the names, sorted, without duplicates, separated by one space
}

// Parse parses a scope value by the grammar of RFC 6749, Section 3.3:
//
//	scope       = scope-token *( SP scope-token )
//	scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
//
// The order of names does not matter, and duplicates are ignored. An empty
// string gives an empty Set. Anything else outside the grammar is an error, for
// example two spaces between names.
func Parse(s string) (Set, error) {
	if s == "" {
		return Set{}, nil
	}
	var few [16]string // saves an allocation; more names are rare
	names, ascending := few[:0], true
	for start, i := 0, 0; i <= len(s); i++ {
		if i < len(s) && isNameChar[s[i]] {
			continue
		}
		name := s[start:i]
		if name == "" || i < len(s) && s[i] != ' ' {
			name, _, _ = strings.Cut(s[start:], " ")
			return Set{}, fmt.Errorf("scope: parse %s: %w", quote(s), checkName(name))
		}
		ascending = ascending && (len(names) == 0 || names[len(names)-1] < name)
		names = append(names, name)
		start = i + 1
	}
	if ascending {
		return Set{text: s}, nil // already in the form of Set.text
	}
	slices.Sort(names)
	return Set{text: strings.Join(slices.Compact(names), " ")}, nil
}

// New returns the Set of the names. The error reports all names that are not a
// scope-token (RFC 6749, Section 3.3).
func New(names ...string) (Set, error) {
	var errs []error
	for _, name := range names {
		if err := checkName(name); err != nil {
			errs = append(errs, fmt.Errorf("scope: %w", err))
		}
	}
	if len(errs) > 0 {
		return Set{}, errors.Join(errs...)
	}
	return setOf(names), nil
}

// Of is like [New] but panics if a name is illegal. Use it for constants.
func Of(names ...string) Set {
	set, err := New(names...)
	if err != nil {
		panic(err)
	}
	return set
}

// setOf returns the Set of legal names.
func setOf(names []string) Set {
	if !slices.IsSorted(names) {
		names = slices.Sorted(slices.Values(names))
	}
	return Set{text: strings.Join(slices.Compact(slices.Clone(names)), " ")}
}

// Has reports whether name is in the set.
func (s Set) Has(name string) bool {
	if name == "" {
		return false
	}
	for from := 0; ; {
		i := strings.Index(s.text[from:], name)
		if i < 0 {
			return false
		}
		i += from
		end := i + len(name)
		if (i == 0 || s.text[i-1] == ' ') && (end == len(s.text) || s.text[end] == ' ') {
			return strings.IndexByte(name, ' ') < 0 // false for two names of the set, such as "a b"
		}
		from = i + 1
	}
}

// Contains reports whether every name of other is in the set.
func (s Set) Contains(other Set) bool {
	for name := range strings.SplitSeq(other.text, " ") {
		if name != "" && !s.Has(name) {
			return false
		}
	}
	return true
}

// Union returns the Set of the names that are in s, in other, or in both.
func (s Set) Union(other Set) Set {
	switch {
	case s.text == "" || s == other:
		return other
	case other.text == "":
		return s
	}
	return setOf(append(s.Names(), other.Names()...))
}

// Intersection returns the Set of the names that are in both s and other.
func (s Set) Intersection(other Set) Set {
	return setOf(slices.DeleteFunc(s.Names(), func(name string) bool { return !other.Has(name) }))
}

// Names returns the names in ascending order. The caller owns the slice.
func (s Set) Names() []string {
	if s.text == "" {
		return nil
	}
	return strings.Split(s.text, " ")
}

// Len returns the number of names.
func (s Set) Len() int {
	if s.text == "" {
		return 0
	}
	return strings.Count(s.text, " ") + 1
}

// IsEmpty reports whether the set holds no name.
func (s Set) IsEmpty() bool { return s.text == "" }

// String returns the names in ascending order, separated by one space. [Parse]
// accepts this form.
func (s Set) String() string { return s.text }

// checkName returns an error if name is not a scope-token.
func checkName(name string) error {
	if name == "" {
		return fmt.Errorf("empty scope name")
	}
	for i := 0; i < len(name); i++ {
		if c := name[i]; !isNameChar[c] {
			return fmt.Errorf("illegal character %q in scope name %s", c, quote(name))
		}
	}
	return nil
}

// isNameChar reports the characters of a scope-token.
var isNameChar = func() (legal [256]bool) {
	for c := '!'; c <= '~'; c++ {
		legal[c] = c != '"' && c != '\\'
	}
	return legal
}()

// quote quotes at most the first 64 bytes of s.
func quote(s string) string {
	if len(s) > 64 {
		return fmt.Sprintf("%q…", s[:64])
	}
	return fmt.Sprintf("%q", s)
}

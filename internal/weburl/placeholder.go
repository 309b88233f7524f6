package weburl

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// placeholder matches what documentation writes in place of a value: braces and
// angle brackets, which cannot occur in a URI (RFC 3986, Appendix A), shell
// variables, and names such as YOUR_DOMAIN.
var placeholder = regexp.MustCompile(`\{[^{}]*\}?|<[^<>]*>?|\$[A-Z][A-Z0-9_]+|\bYOUR[_-][A-Z0-9_-]+|(?i:\byour_[a-z0-9_]+)|(?i:\b(?:change|replace)_?me\b)`)

// maxPlaceholder is the length, in bytes, up to which an error quotes a
// placeholder.
const maxPlaceholder = 40

// Unfilled returns an error if text contains a placeholder, as in
// https://login.microsoftonline.com/{tenantid}/v2.0. The error quotes the
// placeholder, unless it could be part of a password.
func Unfilled(text string) error {
	found := placeholder.FindString(text)
	switch {
	case found == "":
		return nil
	case len(found) > maxPlaceholder || strings.Contains(text, "@"): // perhaps part of a password
		return errors.New("contains a placeholder; replace it with the real value")
	}
	return fmt.Errorf("contains the placeholder %q; replace it with the real value", found)
}

// CheckAudience returns an error if value is unlikely to be an audience: it is
// empty, contains a placeholder, or contains white space, which suggests two
// audiences in one value.
func CheckAudience(value string) error {
	switch {
	case value == "":
		return errors.New("is empty")
	case strings.ContainsFunc(value, unicode.IsSpace):
		return errors.New("contains white space; want one audience per value")
	}
	return Unfilled(value)
}

package weburl

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// placeholder matches what documentation puts in place of a value: braces and
// angle brackets, neither of which a URI has (RFC 3986, Appendix A), shell
// variables, and names such as YOUR_DOMAIN.
var placeholder = regexp.MustCompile(`\{[^{}]*\}?|<[^<>]*>?|\$[A-Z][A-Z0-9_]+|\bYOUR[_-][A-Z0-9_-]+|(?i:\byour_[a-z0-9_]+)|(?i:\b(?:change|replace)_?me\b)`)

// maxPlaceholder bounds what is quoted of one, in bytes.
const maxPlaceholder = 40

// Unfilled returns an error that names the placeholder in text, if it has one:
// a template that nobody filled in, such as
// https://login.microsoftonline.com/{tenantid}/v2.0.
func Unfilled(text string) error {
	found := placeholder.FindString(text)
	switch {
	case found == "":
		return nil
	case len(found) > maxPlaceholder || strings.Contains(text, "@"): // it may be part of a password
		return errors.New("it has a placeholder; want the value in its place")
	}
	return fmt.Errorf("it has the placeholder %q; want the value in its place", found)
}

// CheckAudience returns an error if a token can hardly have value as its
// audience: it is empty, a template that nobody filled in, or has white space,
// as two audiences in one value have.
func CheckAudience(value string) error {
	switch {
	case value == "":
		return errors.New("it is empty")
	case strings.ContainsFunc(value, unicode.IsSpace):
		return errors.New("it has white space; want one audience in each value")
	}
	return Unfilled(value)
}

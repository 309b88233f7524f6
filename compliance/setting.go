package compliance

import (
	"errors"
	"fmt"
	"slices"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/jwks"
)

// setting is a boolean field that a profile requires to be false.
type setting struct {
	field  string
	isSet  func(Settings) bool
	advice string // what to do besides leaving it false; may be empty
}

var (
	passPreflights = setting{"bearer.Config.InsecurePassPreflights", func(s Settings) bool { return s.Guard.InsecurePassPreflights },
		" and wrap the guard in CORS middleware, which answers preflight requests"}
	audienceNotSent = setting{"introspect.Config.InsecureAudienceNotSent", func(s Settings) bool { return s.Opaque != nil && s.Opaque.InsecureAudienceNotSent }, ""}

	allowHTTP = []setting{
		{"introspect.Config.InsecureAllowHTTP", func(s Settings) bool { return s.Opaque != nil && s.Opaque.InsecureAllowHTTP }, ""},
		{"dpop.Config.InsecureAllowHTTP", func(s Settings) bool { return s.Proofs != nil && s.Proofs.InsecureAllowHTTP }, ""},
		{"resource.Config.InsecureAllowHTTP", func(s Settings) bool { return s.Metadata != nil && s.Metadata.InsecureAllowHTTP }, ""},
		{"bearer.Config.InsecureAllowHTTP", func(s Settings) bool { return s.Guard.InsecureAllowHTTP }, ""},
	}
)

// off returns a check that all of the settings are false.
func off(settings ...setting) func(Settings) []error {
	return func(s Settings) (errs []error) {
		for _, each := range settings {
			if each.isSet(s) {
				errs = append(errs, errors.New(each.field+" is set; leave it false"+each.advice))
			}
		}
		return errs
	}
}

// onlyAuthorization checks that the guard reads tokens in the Authorization field
// alone. The query is reported by notInQuery.
func onlyAuthorization(s Settings) (errs []error) {
	for i, source := range s.Guard.Sources {
		if source != bearer.FromAuthorization() && source != bearer.InsecureFromQuery() {
			errs = append(errs, fmt.Errorf("bearer.Config.Sources[%d] is %v; want only FromAuthorization", i, source))
		}
	}
	return errs
}

// notInQuery checks that the guard ignores tokens in the query.
func notInQuery(s Settings) []error {
	if i := slices.Index(s.Guard.Sources, bearer.InsecureFromQuery()); i >= 0 {
		return []error{fmt.Errorf("bearer.Config.Sources[%d] is %v; remove it", i, s.Guard.Sources[i])}
	}
	return nil
}

// all joins checks.
func all(checks ...func(Settings) []error) func(Settings) []error {
	return func(s Settings) (errs []error) {
		for _, check := range checks {
			errs = append(errs, check(s)...)
		}
		return errs
	}
}

// editIssuers calls edit for each issuer of s.Tokens, with the name of the
// issuer's field for errors. It copies the slice first, because other programs
// may hold it too.
func editIssuers(s Settings, edit func(field string, issuer *jwks.Issuer)) {
	if s.Tokens == nil {
		return
	}
	issuers := append([]jwks.Issuer(nil), s.Tokens.Issuers...)
	for i := range issuers {
		edit(fmt.Sprintf("jwks.Config.Issuers[%d]", i), &issuers[i])
	}
	s.Tokens.Issuers = issuers
}

package bearer

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Roles returns a copy of the caller's roles, in alphabetical order. The verifier
// decides which claims contain them: see jwks.Profile.Roles and
// introspect.Config.Roles.
func (p Principal) Roles() []string { return slices.Clone(p.roles) }

// HasRole reports whether the caller has the role. It compares exactly, and no
// role implies another. The empty string is not a role.
func (p Principal) HasRole(name string) bool { return p.hasRole(name) }

func (p *Principal) hasRole(name string) bool {
	_, found := slices.BinarySearch(p.roles, name)
	return found
}

// WithRoles returns a copy of p with the given roles. It ignores empty ones.
// Verifiers and tests call it.
func (p Principal) WithRoles(roles ...string) Principal {
	roles = slices.Clone(roles)
	slices.Sort(roles)
	roles = slices.Compact(roles)
	if len(roles) > 0 && roles[0] == "" {
		roles = roles[1:]
	}
	p.roles = roles
	return p
}

// Role requires that the caller has a role. The refusal is 403 without a
// challenge, since a client cannot request a role. To accept a scope instead of
// the role, use [AnyOf].
//
// If the verifiers trust several issuers, the role of any of them counts. If it
// must not, also compare [Principal.Issuer] in a [RequirementFunc].
func Role(name string) Requirement { return anyRole{name} }

// AnyRole requires that the caller has at least one of the roles. A route that
// needs several roles has a [Role] for each.
func AnyRole(names ...string) Requirement { return anyRole(slices.Clone(names)) }

type anyRole []string

func (names anyRole) Check(_ *http.Request, p *Principal) error {
	if names.isMet(p) {
		return nil
	}
	e := Forbid("")
	e.Check, e.Expected, e.Got = "role", "the role "+quotedList(names, "or"), "none"
	if len(names) > 1 {
		e.Expected = "one of the roles " + quotedList(names, "or")
	}
	if n := len(p.roles); n > 0 {
		e.Got = quotedList(p.roles[:min(n, maxRolesTold)], "and")
		if n > maxRolesTold {
			e.Got += fmt.Sprintf(" and %d more", n-maxRolesTold)
		}
	}
	return e
}

// maxRolesTold is how many of the caller's roles a refusal lists.
const maxRolesTold = 5

func (names anyRole) isMet(p *Principal) bool { return slices.ContainsFunc(names, p.hasRole) }

func (names anyRole) validate() error {
	if len(names) == 0 {
		return errors.New("AnyRole without roles; want at least one")
	}
	if slices.Contains(names, "") {
		return errors.New("a role with an empty name, which no caller has")
	}
	return nil
}

// quotedList returns the quoted names with a word before the last.
func quotedList(names []string, word string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%.64q", name)
	}
	last := len(quoted) - 1
	if last < 1 {
		return strings.Join(quoted, "")
	}
	return strings.Join(quoted[:last], ", ") + " " + word + " " + quoted[last]
}

package claims

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/pointer"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// DefaultRoles points to the claim that RFC 9068, Section 2.2.3.1 names for roles.
// The claims groups and entitlements of that section have meanings of their own: a
// group that is called admin must not count as the role admin.
var DefaultRoles = []string{"/roles"}

// Pointer is a JSON pointer into the claims.
type Pointer struct {
	pointer.Pointer
	claim int // the index of the claim that it points into

	// project allows an object, whose names are the roles. Only Zitadel's claims
	// have that form; elsewhere an object may say anything about its names.
	project bool
}

// projectClaims begins the names of the claims in which Zitadel sends the roles of
// a project.
const projectClaims = "urn:zitadel:iam:org:project:"

// AddPointers parses JSON pointers and adds the claims that they point into. The
// error reports all mistakes under the given name of the list.
func (n *Names) AddPointers(list string, texts []string) ([]Pointer, error) {
	var pointers []Pointer
	var errs []error
	for i, text := range texts {
		p, err := pointer.Parse(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s[%d] %q %w", list, i, text, err))
			continue
		}
		pointers = append(pointers, Pointer{p, n.Add(p.Claim()), strings.HasPrefix(p.Claim(), projectClaims)})
	}
	return pointers, errors.Join(errs...)
}

// Roles appends the roles at all of the pointers to roles. What is malformed at a
// pointer grants no role, and its claim counts as absent.
func (v *Values) Roles(roles []string, pointers []Pointer) ([]string, error) {
	type failure struct {
		claim int
		err   error
	}
	var failures []failure // applied last: other pointers may point into the same claim
	for _, p := range pointers {
		if v.raw[p.claim] == nil {
			continue
		}
		more, err := v.rolesAt(p, roles)
		if err != nil {
			failures = append(failures, failure{p.claim, err})
			continue
		}
		roles = more
	}
	for _, f := range failures {
		if err := v.malformed(f.claim, f.err); err != nil {
			return nil, err
		}
	}
	return roles, nil
}

// rolesAt appends the roles at a pointer to list.
func (v *Values) rolesAt(p Pointer, list []string) ([]string, error) {
	at, value, err := p.Below(v.raw[p.claim])
	if err != nil || value == nil {
		return list, err
	}
	at += v.at[p.claim]
	switch value.Kind() {
	case '"':
		var role string
		role, err = v.string(at, value)
		list = append(list, role)
	case '[':
		err = strictjson.Elements(value, func(offset int, element strictjson.Value) error {
			role, err := v.role(at+offset, element)
			list = append(list, role)
			return err
		})
	case '{':
		if !p.project {
			err = errNotProject
			break
		}
		list, err = appendProjectRoles(list, value)
	default:
		err = strictjson.WrongKind(value, "roles")
	}
	if err != nil && p.String() != "/"+p.Claim() {
		err = fmt.Errorf("at %s: %w", p, err)
	}
	return list, err
}

var errNotProject = errors.New("a JSON object that does not list organizations by role")

// role returns an element of an array of roles: a string, or an object whose value
// is the role. RFC 9068, Section 2.2.3.1 takes such objects from SCIM (RFC 7643,
// Section 2.4).
func (v *Values) role(at int, element strictjson.Value) (role string, err error) {
	if element.Kind() != '{' {
		return v.string(at, element)
	}
	found := false
	err = strictjson.Object(element, func(name []byte, value strictjson.Value) (err error) {
		if string(name) == "value" {
			found = true
			role, err = strictjson.String(value)
		}
		return err
	})
	if err == nil && !found {
		err = errors.New("an object without value in an array of roles")
	}
	return role, err
}

// appendProjectRoles appends the roles of an object whose names are the roles.
// Zitadel sends such objects: each value lists the organizations that grant the
// role, {"admin":{"ORGANIZATION":"DOMAIN"}}. It refuses any other object, such as
// Keycloak's resource_access, whose names are those of clients.
func appendProjectRoles(list []string, object strictjson.Value) ([]string, error) {
	err := strictjson.Object(object, func(name []byte, organizations strictjson.Value) error {
		granted := false
		err := strictjson.Object(organizations, func(_ []byte, domain strictjson.Value) error {
			granted = true
			_, _, err := strictjson.Text(domain)
			return err
		})
		if err != nil {
			return errNotProject
		}
		if granted {
			list = append(list, string(name))
		}
		return nil
	})
	return list, err
}

// StatedRoles returns bearer.StatedRoles if the document has one of the claims that
// the pointers point into, malformed ones included; see [Values.Stated].
func (v *Values) StatedRoles(pointers []Pointer) bearer.Stated {
	for _, p := range pointers {
		if v.Sent(p.claim) {
			return bearer.StatedRoles
		}
	}
	return 0
}

package dev

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/profile"
)

// profileName returns the name of a profile in files and on the command line.
func profileName(shape bearertest.Shape) string {
	p, _ := profile.Find(formOf(shape)) // a test finds all
	return p.Name
}

// formOf returns the name of a shape in package profile.
func formOf(shape bearertest.Shape) string {
	return cmp.Or(strings.ToLower(string(shape)), profile.Default.Shape)
}

// ProfileNames returns the names of all profiles.
func ProfileNames() []string {
	var names []string
	for _, shape := range bearertest.Shapes() {
		names = append(names, profileName(shape))
	}
	slices.Sort(names)
	return names
}

// ParseProfile returns the profile of a name, or of the name of the tokens' form, in any
// case.
func ParseProfile(name string) (bearertest.Shape, error) {
	for _, shape := range bearertest.Shapes() {
		if strings.EqualFold(name, profileName(shape)) || strings.EqualFold(name, formOf(shape)) {
			return shape, nil
		}
	}
	return "", fmt.Errorf("%q is unknown; want one of %s", name, strings.Join(ProfileNames(), ", "))
}

// profileCode returns the Go code of a profile of package jwks, or nothing for RFC
// 9068.
func profileCode(shape bearertest.Shape) string {
	if shape == bearertest.RFC9068 {
		return ""
	}
	p, _ := profile.Find(formOf(shape))
	return p.Go
}

// audienceIsClient reports whether aud is the client's ID in tokens of a shape.
func audienceIsClient(shape bearertest.Shape) bool {
	return shape == bearertest.Cognito || shape == bearertest.Spring
}

// subjectPrefixes are how the subjects of some issuers begin.
var subjectPrefixes = map[bearertest.Shape]string{
	bearertest.GoogleIAP:  "accounts.google.com:",
	bearertest.Kubernetes: "system:serviceaccount:default:",
	bearertest.SPIFFE:     "spiffe://example.com/",
}

// subject returns the sub of a user in tokens of a shape.
func subject(shape bearertest.Shape, u *User) string { return subjectPrefixes[shape] + u.Name }

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// issuerProfiles are the values of -issuer-profile.
var issuerProfiles = map[string]jwks.Profile{
	rfc9068:      {},
	"adfs":       jwks.ADFS(),
	"auth0":      jwks.Auth0(),
	"b2c":        jwks.AzureADB2C(),
	"cloudflare": jwks.CloudflareAccess(),
	"cognito":    jwks.Cognito(),
	"duende":     jwks.Duende(),
	"entraid":    jwks.EntraID(),
	"firebase":   jwks.Firebase(),
	"github":     jwks.GitHubActions(),
	"glewlwyd":   jwks.Glewlwyd(),
	"google":     jwks.Google(),
	"hydra":      jwks.Hydra(),
	"iap":        jwks.GoogleIAP(),
	"keycloak":   jwks.Keycloak(),
	"kubernetes": jwks.Kubernetes(),
	"okta":       jwks.Okta(),
	"ping":       jwks.PingFederate(),
	"spiffe":     jwks.SPIFFE(),
	"spring":     jwks.Spring(),
	"zitadel":    jwks.Zitadel(),
}

// unsecuredNames are the profiles of issuers that may put something other than an
// https URL into iss.
var unsecuredNames = []string{"adfs", "google", "spiffe"}

func issuerProfileNames() string {
	return strings.Join(slices.Sorted(maps.Keys(issuerProfiles)), ", ")
}

// checkIssuerProfile checks -issuer-profile.
func (c *config) checkIssuerProfile() error {
	_, known := issuerProfiles[c.issuerProfile]
	switch {
	case c.issuerProfile == "":
		return nil
	case !known:
		return fmt.Errorf("-issuer-profile %q; want one of %s", c.issuerProfile, issuerProfileNames())
	case c.dev && c.issuerProfile != rfc9068:
		return fmt.Errorf("-issuer-profile %s and -dev exclude each other: the tokens of the development issuer follow RFC 9068", c.issuerProfile)
	}
	return nil
}

// followIssuer makes the issuer accept tokens of the profile that -issuer-profile names.
func (c *config) followIssuer(i *jwks.Issuer) {
	i.Profile = issuerProfiles[c.issuerProfile]
	i.AllowNonHTTPSIdentifier = c.jwksURI != "" && slices.Contains(unsecuredNames, c.issuerProfile)
}

// roles returns where the tokens of the named profile have roles: nil if the flag
// names none, and an empty list if its tokens have none.
func (c *config) roles() []string {
	p := issuerProfiles[c.issuerProfile]
	if c.issuerProfile != "" && p.Roles == nil {
		return []string{"/roles"} // the default of the SDK
	}
	return p.Roles
}

// orRole returns a requirement that the scope or the role of a name satisfies. It
// returns no requirement, and the rule of the scope, if the tokens have no roles.
func (c *config) orRole(name string) (scope.Rule, []bearer.Requirement) {
	if len(c.roles()) == 0 {
		return scope.All(name), nil
	}
	return scope.None, []bearer.Requirement{bearer.AnyOf(bearer.Scope(scope.All(name)), bearer.Role(name))}
}

// alsoRole says in words what orRole adds.
func (c *config) alsoRole(name string) string {
	if len(c.roles()) == 0 {
		return ""
	}
	return "or the role " + name
}

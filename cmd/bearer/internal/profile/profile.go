// Package profile names the issuer profiles of package jwks on the command line,
// and guesses which of them a token follows.
package profile

import (
	"fmt"
	"strings"

	"github.com/bearerkit/bearerkit/jwks"
)

// Named is an issuer profile with its name on the command line.
type Named struct {
	Name    string // such as keycloak
	Go      string // the expression in Go, such as jwks.Keycloak()
	Issuer  string // the issuer's name, such as Keycloak
	Profile jwks.Profile
}

// Default is the profile of RFC 9068, the zero value in Go.
var Default = Named{Name: "rfc9068", Go: "jwks.Profile{}", Issuer: "an issuer that follows RFC 9068"}

// All returns the profiles in the order of their names.
func All() []Named {
	return []Named{
		{"adfs", "jwks.ADFS()", "AD FS", jwks.ADFS()},
		{"auth0", "jwks.Auth0()", "Auth0", jwks.Auth0()},
		{"b2c", "jwks.AzureADB2C()", "Azure AD B2C", jwks.AzureADB2C()},
		{"cloudflare", "jwks.CloudflareAccess()", "Cloudflare Access", jwks.CloudflareAccess()},
		{"cognito", "jwks.Cognito()", "Amazon Cognito", jwks.Cognito()},
		{"duende", "jwks.Duende()", "Duende IdentityServer", jwks.Duende()},
		{"entraid", "jwks.EntraID()", "Microsoft Entra ID", jwks.EntraID()},
		{"firebase", "jwks.Firebase()", "Firebase", jwks.Firebase()},
		{"github", "jwks.GitHubActions()", "GitHub Actions", jwks.GitHubActions()},
		{"glewlwyd", "jwks.Glewlwyd()", "Glewlwyd", jwks.Glewlwyd()},
		{"google", "jwks.Google()", "Google", jwks.Google()},
		{"hydra", "jwks.Hydra()", "Ory Hydra", jwks.Hydra()},
		{"iap", "jwks.GoogleIAP()", "Google IAP", jwks.GoogleIAP()},
		{"keycloak", "jwks.Keycloak()", "Keycloak", jwks.Keycloak()},
		{"kubernetes", "jwks.Kubernetes()", "Kubernetes", jwks.Kubernetes()},
		{"okta", "jwks.Okta()", "Okta", jwks.Okta()},
		{"ping", "jwks.PingFederate()", "PingFederate", jwks.PingFederate()},
		Default,
		{"spiffe", "jwks.SPIFFE()", "SPIFFE", jwks.SPIFFE()},
		{"spring", "jwks.Spring()", "Spring Authorization Server", jwks.Spring()},
		{"zitadel", "jwks.Zitadel()", "Zitadel", jwks.Zitadel()},
	}
}

// Names returns the names of all profiles for a help text.
func Names() string {
	var names []string
	for _, p := range All() {
		names = append(names, p.Name)
	}
	return strings.Join(names, ", ")
}

// Find returns the profile of a name.
func Find(name string) (Named, error) {
	for _, p := range All() {
		if p.Name == name {
			return p, nil
		}
	}
	return Named{}, fmt.Errorf("profile %q; want one of %s", name, Names())
}

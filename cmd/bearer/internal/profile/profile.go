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
	Shape   string // the name of its tokens' form in the test kit, in lower case
	Profile jwks.Profile
}

// Default is the profile of RFC 9068, the zero value in Go.
var Default = Named{Name: "rfc9068", Go: "jwks.Profile{}", Issuer: "an issuer that follows RFC 9068", Shape: "rfc9068"}

// All returns the profiles in the order of their names.
func All() []Named {
	return []Named{
		{"adfs", "jwks.ADFS()", "AD FS", "adfs", jwks.ADFS()},
		{"auth0", "jwks.Auth0()", "Auth0", "auth0", jwks.Auth0()},
		{"b2c", "jwks.AzureADB2C()", "Azure AD B2C", "azureadb2c", jwks.AzureADB2C()},
		{"cloudflare", "jwks.CloudflareAccess()", "Cloudflare Access", "cloudflareaccess", jwks.CloudflareAccess()},
		{"cognito", "jwks.Cognito()", "Amazon Cognito", "cognito", jwks.Cognito()},
		{"duende", "jwks.Duende()", "Duende IdentityServer", "duende", jwks.Duende()},
		{"entraid", "jwks.EntraID()", "Microsoft Entra ID", "entraid", jwks.EntraID()},
		{"firebase", "jwks.Firebase()", "Firebase", "firebase", jwks.Firebase()},
		{"github", "jwks.GitHubActions()", "GitHub Actions", "githubactions", jwks.GitHubActions()},
		{"glewlwyd", "jwks.Glewlwyd()", "Glewlwyd", "glewlwyd", jwks.Glewlwyd()},
		{"google", "jwks.Google()", "Google", "google", jwks.Google()},
		{"hydra", "jwks.Hydra()", "Ory Hydra", "hydra", jwks.Hydra()},
		{"iap", "jwks.GoogleIAP()", "Google IAP", "googleiap", jwks.GoogleIAP()},
		{"keycloak", "jwks.Keycloak()", "Keycloak", "keycloak", jwks.Keycloak()},
		{"kubernetes", "jwks.Kubernetes()", "Kubernetes", "kubernetes", jwks.Kubernetes()},
		{"okta", "jwks.Okta()", "Okta", "okta", jwks.Okta()},
		{"ping", "jwks.PingFederate()", "PingFederate", "pingfederate", jwks.PingFederate()},
		Default,
		{"spiffe", "jwks.SPIFFE()", "SPIFFE", "spiffe", jwks.SPIFFE()},
		{"spring", "jwks.Spring()", "Spring Authorization Server", "spring", jwks.Spring()},
		{"zitadel", "jwks.Zitadel()", "Zitadel", "zitadel", jwks.Zitadel()},
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

// EntraIDv1 is the name of a form of tokens that has no profile of its own: that of
// Entra ID accepts it.
const EntraIDv1 = "entraidv1"

// Find returns the profile of a name, in any case. The name may also be that of the
// tokens' form.
func Find(name string) (Named, error) {
	name = strings.ToLower(name)
	if name == EntraIDv1 {
		p, err := Find("entraid")
		p.Name, p.Shape = EntraIDv1, EntraIDv1
		return p, err
	}
	for _, p := range All() {
		if p.Name == name || p.Shape == name {
			return p, nil
		}
	}
	return Named{}, fmt.Errorf("%q is unknown; want one of %s", name, Names())
}

package inspect

import (
	"net/url"
	"strings"

	"github.com/bearerkit/bearerkit/jwks"
)

// Profile says which of bearerkit's profiles fits an issuer's tokens.
type Profile struct {
	Name   string   `json:"name"`             // "RFC 9068" or the name of the function
	Sure   bool     `json:"sure"`             // a token was verified under it
	Reason string   `json:"reason"`           // why it fits
	Others []string `json:"others,omitempty"` // that accept the token too
}

// rfc9068 is the name of the default profile.
const rfc9068 = "RFC 9068"

// profiles are the constructors by name, those that accept the fewest other issuers'
// tokens first. docs/issuers.md says which profiles overlap.
var profiles = []struct {
	name string
	new  func() jwks.Profile
}{
	{"Keycloak", jwks.Keycloak}, {"Cognito", jwks.Cognito}, {"CloudflareAccess", jwks.CloudflareAccess},
	{"Okta", jwks.Okta}, {"Firebase", jwks.Firebase}, {"GitHubActions", jwks.GitHubActions},
	{"Kubernetes", jwks.Kubernetes}, {"SPIFFE", jwks.SPIFFE}, {"Google", jwks.Google}, {"GoogleIAP", jwks.GoogleIAP},
	{"Glewlwyd", jwks.Glewlwyd}, {rfc9068, func() jwks.Profile { return jwks.Profile{} }}, {"Duende", jwks.Duende},
	{"EntraID", jwks.EntraID}, {"ADFS", jwks.ADFS}, {"AzureADB2C", jwks.AzureADB2C}, {"Zitadel", jwks.Zitadel},
	{"Hydra", jwks.Hydra}, {"Auth0", jwks.Auth0}, {"Spring", jwks.Spring}, {"PingFederate", jwks.PingFederate},
}

// A mark of a vendor in the issuer's host or metadata.
type mark struct {
	profile, reason string
	fits            func(issuer *url.URL, m Metadata) bool
}

func host(suffixes ...string) func(*url.URL, Metadata) bool {
	return func(issuer *url.URL, _ Metadata) bool {
		name := "." + strings.ToLower(issuer.Hostname())
		for _, suffix := range suffixes {
			if strings.HasSuffix(name, "."+suffix) {
				return true
			}
		}
		return false
	}
}

func keysEnd(suffix string) func(*url.URL, Metadata) bool {
	return func(_ *url.URL, m Metadata) bool { return strings.HasSuffix(m.Endpoints["jwks_uri"], suffix) }
}

func has(member string) func(*url.URL, Metadata) bool {
	return func(_ *url.URL, m Metadata) bool { return m.Members[member] }
}

// marks are in the order of their weight: hosts first.
var marks = []mark{
	{"AzureADB2C", "the host is Azure AD B2C's", host("b2clogin.com")},
	{"EntraID", "the host is Microsoft's", host("login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn", "sts.windows.net", "ciamlogin.com")},
	{"Okta", "the host is Okta's", host("okta.com", "oktapreview.com", "okta-emea.com")},
	{"Auth0", "the host is Auth0's", host("auth0.com")},
	{"Cognito", "the host is Amazon Cognito's", func(issuer *url.URL, _ Metadata) bool {
		name := issuer.Hostname()
		return strings.HasPrefix(name, "cognito-idp.") && (strings.HasSuffix(name, ".amazonaws.com") || strings.HasSuffix(name, ".amazonaws.com.cn"))
	}},
	{"Google", "the host is Google's", host("accounts.google.com")},
	{"Firebase", "the host is Firebase's", host("securetoken.google.com")},
	{"GitHubActions", "the host is GitHub's", host("token.actions.githubusercontent.com")},
	{"CloudflareAccess", "the host is Cloudflare Access'", host("cloudflareaccess.com")},
	{"Zitadel", "the host is Zitadel's", host("zitadel.cloud")},
	{"Hydra", "the host is Ory's", host("oryapis.com")},
	{"Keycloak", "the path of the keys is Keycloak's", keysEnd("/protocol/openid-connect/certs")},
	{"ADFS", "the metadata has access_token_issuer", has("access_token_issuer")},
	{"Duende", "the path of the keys is Duende's", keysEnd("/.well-known/openid-configuration/jwks")},
	{"Zitadel", "the path of the keys is Zitadel's", keysEnd("/oauth/v2/keys")},
	{"PingFederate", "the path of the keys is PingFederate's", keysEnd("/pf/JWKS")},
	{"Spring", "the path of the keys is Spring's", keysEnd("/oauth2/jwks")},
	{"Kubernetes", "the path of the keys is Kubernetes'", keysEnd("/openid/v1/jwks")},
	{"Hydra", "the metadata has a member of Ory Hydra", has("credentials_endpoint_draft_00")},
	{"Auth0", "the metadata has a member of Auth0", has("mfa_challenge_endpoint")},
	{"Okta", "the path of the keys is Okta's", func(issuer *url.URL, m Metadata) bool {
		return strings.HasPrefix(issuer.Path, "/oauth2/") && strings.HasSuffix(m.Endpoints["jwks_uri"], issuer.Path+"/v1/keys")
	}},
}

// guess guesses the profile without a token.
func guess(m Metadata) Profile {
	issuer, err := url.Parse(m.Issuer)
	if err != nil {
		issuer = &url.URL{}
	}
	for _, mark := range marks {
		if mark.fits(issuer, m) {
			return Profile{Name: mark.profile, Reason: mark.reason}
		}
	}
	return Profile{Name: rfc9068, Reason: "nothing points to an issuer that bearerkit has a profile for"}
}

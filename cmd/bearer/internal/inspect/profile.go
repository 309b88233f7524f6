package inspect

import (
	"net/url"
	"strings"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/profile"
)

// Profile says which of bearerkit's profiles fits an issuer's tokens.
type Profile struct {
	Name   string   `json:"name"`             // of package profile, such as keycloak
	Sure   bool     `json:"sure"`             // a token was verified under it
	Reason string   `json:"reason"`           // why it fits
	Others []string `json:"others,omitempty"` // that accept the token too
}

// profileNames are the names of all profiles, those that accept the fewest other
// issuers' tokens first. docs/issuers.md says which profiles overlap.
var profileNames = []string{
	"keycloak", "cognito", "cloudflare", "okta", "firebase", "github", "kubernetes", "spiffe", "google", "iap", "glewlwyd", "rfc9068",
	"duende", "entraid", "adfs", "b2c", "zitadel", "hydra", "auth0", "spring", "ping",
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
	{"b2c", "the host is Azure AD B2C's", host("b2clogin.com")},
	{"entraid", "the host is Microsoft's", host("login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn", "sts.windows.net", "ciamlogin.com")},
	{"okta", "the host is Okta's", host("okta.com", "oktapreview.com", "okta-emea.com")},
	{"auth0", "the host is Auth0's", host("auth0.com")},
	{"cognito", "the host is Amazon Cognito's", func(issuer *url.URL, _ Metadata) bool {
		name := issuer.Hostname()
		return strings.HasPrefix(name, "cognito-idp.") && (strings.HasSuffix(name, ".amazonaws.com") || strings.HasSuffix(name, ".amazonaws.com.cn"))
	}},
	{"google", "the host is Google's", host("accounts.google.com")},
	{"firebase", "the host is Firebase's", host("securetoken.google.com")},
	{"github", "the host is GitHub's", host("token.actions.githubusercontent.com")},
	{"cloudflare", "the host is Cloudflare Access'", host("cloudflareaccess.com")},
	{"zitadel", "the host is Zitadel's", host("zitadel.cloud")},
	{"hydra", "the host is Ory's", host("oryapis.com")},
	{"keycloak", "the path of the keys is Keycloak's", keysEnd("/protocol/openid-connect/certs")},
	{"adfs", "the metadata has access_token_issuer", has("access_token_issuer")},
	{"duende", "the path of the keys is Duende's", keysEnd("/.well-known/openid-configuration/jwks")},
	{"zitadel", "the path of the keys is Zitadel's", keysEnd("/oauth/v2/keys")},
	{"ping", "the path of the keys is PingFederate's", keysEnd("/pf/JWKS")},
	{"spring", "the path of the keys is Spring's", keysEnd("/oauth2/jwks")},
	{"kubernetes", "the path of the keys is Kubernetes'", keysEnd("/openid/v1/jwks")},
	{"hydra", "the metadata has a member of Ory Hydra", has("credentials_endpoint_draft_00")},
	{"auth0", "the metadata has a member of Auth0", has("mfa_challenge_endpoint")},
	{"okta", "the path of the keys is Okta's", func(issuer *url.URL, m Metadata) bool {
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
	return Profile{Name: profile.Default.Name, Reason: "nothing points to an issuer that bearerkit has a profile for"}
}

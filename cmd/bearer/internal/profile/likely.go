package profile

import (
	"strings"

	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// Likely guesses which profile the issuer of a token has, by the header's typ and
// the claims, which need not be verified. why names the marks. Without a mark, the
// guess is RFC 9068 for a token of its type, and ok is false for others.
func Likely(typ string, payload []byte) (p Named, why string, ok bool) {
	c := read(payload)
	for _, m := range marks {
		if why := m.found(typ, c); why != "" {
			p, err := Find(m.name)
			return p, why, err == nil
		}
	}
	if jose.NormalizeType(typ) == "at+jwt" {
		return Default, "its typ is at+jwt", true
	}
	return Default, "", false
}

// mark is what distinguishes the tokens of an issuer. The first mark that a token
// has decides, so marks of one issuer alone come before those that others share.
type mark struct {
	name string
	urls []string            // parts of the issuer's URL
	all  []string            // the token has all of these claims
	text map[string]string   // and these values
	test func(c claims) bool // and passes this test; nil: no test
}

var marks = []mark{
	{name: "b2c", urls: []string{".b2clogin.com/"}, all: []string{"tfp", "ver"}},
	{name: "adfs", urls: []string{"/adfs/"}, all: []string{"apptype", "appid"}},
	{name: "entraid", urls: []string{"login.microsoftonline.com/", "sts.windows.net/"}, all: []string{"tid", "ver", "oid"}},
	{name: "entraid", all: []string{"azpacr"}},
	{name: "entraid", all: []string{"appidacr"}},
	{name: "okta", urls: []string{".okta.com", ".oktapreview.com"}, all: []string{"cid", "ver"}},
	{name: "cognito", urls: []string{"cognito-idp."}, all: []string{"token_use"}},
	{name: "firebase", urls: []string{"securetoken.google.com/"}, all: []string{"firebase"}},
	{name: "github", urls: []string{"token.actions.githubusercontent.com"}, all: []string{"repository", "repository_owner"}},
	{name: "kubernetes", urls: []string{"kubernetes.default.svc"}, all: []string{"kubernetes.io"}},
	{name: "spiffe", test: func(c claims) bool { return strings.HasPrefix(c.text("sub"), "spiffe://") }},
	{name: "iap", urls: []string{"cloud.google.com/iap"}, all: []string{"identity_source"}},
	{name: "cloudflare", urls: []string{".cloudflareaccess.com"}, text: map[string]string{"type": "app"}},
	{name: "keycloak", urls: []string{"/realms/"}, all: []string{"azp"}, text: map[string]string{"typ": "Bearer"}},
	{name: "keycloak", all: []string{"azp"}, text: map[string]string{"typ": "ID"}},
	{name: "keycloak", all: []string{"resource_access"}},
	{name: "zitadel", urls: []string{".zitadel.cloud"}, all: []string{"client_id"}, test: func(c claims) bool { return strings.HasPrefix(c.text("jti"), "V2_") }},
	{name: "auth0", urls: []string{".auth0.com/"}, all: []string{"azp", "gty"}},
	{name: "auth0", all: []string{"azp", "scope"}, test: func(c claims) bool { return strings.Contains(string(c["aud"]), "/userinfo") }},
	{name: "auth0", all: []string{"azp", "permissions"}},
	{name: "google", urls: []string{"accounts.google.com"}, all: []string{"azp", "email_verified"}},
	{name: "hydra", all: []string{"ext", "scp"}},
	{name: "glewlwyd", text: map[string]string{"type": "access_token"}},
	{name: "duende", all: []string{"client_id"}, test: func(c claims) bool { return c.kind("scope") == '[' && c.has("jti") }},
	{name: "spring", all: []string{"nbf", "jti"}, test: func(c claims) bool { return c.kind("scope") == '[' && !c.has("client_id") }},
}

// found says which mark the token has, or nothing.
func (m *mark) found(typ string, c claims) string {
	for _, part := range m.urls {
		if strings.Contains(c.text("iss"), part) {
			return "its iss contains " + strings.Trim(part, "/.")
		}
	}
	if m.all == nil && m.text == nil && m.test == nil {
		return ""
	}
	for _, name := range m.all {
		if !c.has(name) {
			return ""
		}
	}
	names := m.all
	for name, value := range m.text {
		if c.text(name) != value {
			return ""
		}
		names = append(names[:len(names):len(names)], name)
	}
	if m.test != nil && !m.test(c) {
		return ""
	}
	if len(names) == 0 {
		return "its claims have the form of this issuer's"
	}
	return "it has the claims of this issuer: " + strings.Join(names, ", ")
}

// claims are the members of a payload.
type claims map[string]strictjson.Value

func read(payload []byte) claims {
	c := claims{}
	// After a mistake in the JSON, the members before it still help the guess.
	_ = strictjson.Object(payload, func(name []byte, value strictjson.Value) error {
		c[string(name)] = value
		return nil
	})
	return c
}

func (c claims) has(name string) bool { return c[name] != nil && c[name].Kind() != 'n' }

func (c claims) text(name string) string {
	s, err := strictjson.String(c[name])
	if err != nil {
		return ""
	}
	return s
}

func (c claims) kind(name string) byte {
	if c[name] == nil {
		return 0
	}
	return byte(c[name].Kind())
}

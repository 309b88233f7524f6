package explain_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// explained is a token or a request that bearer explain explains. The test runs the
// command and compares its output with a golden file of the name.
type explained struct {
	name  string
	cause string // the expected cause; empty: the token is let in, or nobody can tell
	exit  int
	token string
	args  []string // beside the token; nil: --issuer and --audience of the test
}

type claims = map[string]any

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// kit mints tokens for the cases.
type kit struct {
	issuer *bearertest.Issuer
	keys   string // a file with the issuer's keys
	dir    string
}

func (k *kit) mint(header, body claims) string {
	return k.issuer.Mint(bearertest.Token{Header: header, Claims: body})
}

func (k *kit) shaped(s bearertest.Shape, body claims) string {
	return k.issuer.Mint(bearertest.Token{Shape: s, Claims: body, Scope: "orders:read"})
}

func (k *kit) kind(s bearertest.Shape, kind bearertest.Kind) string {
	return k.issuer.Mint(bearertest.Token{Shape: s, Kind: kind})
}

// at returns a time from now in seconds since 1970.
func at(d time.Duration) int64 { return time.Now().Add(d).Unix() }

// api is the API of the test, with further arguments.
func (k *kit) api(more ...string) []string {
	return append([]string{"--issuer", k.issuer.URL(), "--audience", audience}, more...)
}

// at is an API whose issuer has another URL; the keys are those of the file.
func (k *kit) withIssuer(issuer string, more ...string) []string {
	return append([]string{"--issuer", issuer, "--audience", audience, "--keys", k.keys}, more...)
}

// forms are texts that are no JWT, or a damaged one.
func (k *kit) forms() []explained {
	good := k.mint(nil, nil)
	parts := strings.Split(good, ".")
	list := []explained{
		{name: "opaque", cause: "opaque", token: "ory_at_3s2kVx1Zq8"},
		{name: "encrypted", cause: "encrypted", token: b64(`{"alg":"dir","enc":"A256GCM"}`) + ".." + b64("iv") + "." + b64("ciphertext") + "." + b64("tag")},
		{name: "json serialization", cause: "json-serialization", token: `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`},
		{name: "paseto", cause: "paseto", token: "v4.public." + b64("a paseto token")},
		{name: "quotes", cause: "quotes", token: `"` + good + `"`},
		{name: "line breaks", cause: "line-breaks", token: good[:60] + "\n" + good[60:]},
		{name: "scheme twice", cause: "scheme", token: "Bearer Bearer " + good},
		{name: "base64 of a token", cause: "base64-token", token: base64.StdEncoding.EncodeToString([]byte(good))},
		{name: "two parts", cause: "truncated", token: parts[0] + "." + parts[1]},
		{name: "one part", cause: "header-only", token: parts[0]},
		{name: "four parts", cause: "too-many-parts", token: good + "." + parts[2]},
		{name: "empty signature", cause: "no-signature", token: parts[0] + "." + parts[1] + "."},
		{name: "truncated payload", cause: "altered", token: parts[0] + "." + parts[1][:len(parts[1])/4*4-3] + "." + parts[2]},
		{name: "padding", cause: "padding", token: good + "="},
		{name: "standard base64", cause: "standard-base64", token: parts[0] + "." + parts[1] + "." + parts[2][:80] + "+/+/+/"},
		{name: "undefined", cause: "placeholder", token: "undefined"},
		{name: "shell variable", cause: "placeholder", token: "${TOKEN}"},
		{name: "object", cause: "placeholder", token: "[object Object]"},
		{name: "token response", cause: "json-response", token: `{"access_token":"` + good + `","token_type":"Bearer"}`},
		{name: "decoded", cause: "decoded", token: `{"iss":"https://login.example.com","sub":"alice"}`},
		{name: "percent encoded", cause: "percent-encoded", token: strings.ReplaceAll(good, ".", "%2E")},
		{name: "shortened", cause: "shortened", token: good[:20] + "..." + good[len(good)-10:]},
		{name: "two tokens", cause: "two-tokens", token: good + "," + good},
		{name: "command of curl", cause: "surrounded", token: "curl -H 'Authorization: Bearer " + good + "' https://api.example.com/"},
		{name: "quoted field", cause: "quotes", token: "'Authorization: Bearer " + good + "'"},
		{name: "cookie", cause: "surrounded", token: "Cookie: session=" + good + "; Path=/"},
		{name: "url", cause: "surrounded", token: "https://app.example.com/#access_token=" + good + "&token_type=Bearer"},
		{name: "in brackets", cause: "surrounded", token: "<" + good + ">"},
		{name: "comma at the end", cause: "surrounded", token: good + ","},
		{name: "dot at the end", cause: "surrounded", token: good + "."},
		{name: "github", cause: "github-token", token: "ghp_16C7e42F292c6912E7710c838347Ae178B4a"},
		{name: "google", cause: "google-token", token: "ya29.a0AfB_byC"},
		{name: "basic", cause: "basic", token: base64.StdEncoding.EncodeToString([]byte("alice:secret"))},
		{name: "saml", cause: "saml", token: base64.StdEncoding.EncodeToString([]byte("<saml:Assertion>")) + "AAAA"},
		{name: "api key", cause: "api-key", token: "sk_live_4eC39HqLyjWDarjtT1"},
		{name: "sd-jwt", cause: "sd-jwt", token: good + "~WyJhIiwiYiIsImMiXQ~"},
		{name: "illegal characters", cause: "characters", token: "abc!def"},
		{name: "empty", cause: "no-token", token: ""},
		{name: "too long", cause: "token-too-long", token: k.mint(nil, claims{"groups": strings.Split(strings.Repeat("group ", 3000), " ")})},
	}
	for i := range list {
		list[i].exit = 1
	}
	return list
}

// headers are tokens that the header condemns.
func (k *kit) headers() []explained {
	_, payload, _ := strings.Cut(k.mint(nil, nil), ".")
	payload, _, _ = strings.Cut(payload, ".")
	list := []explained{
		{name: "alg none", cause: "unsigned", token: b64(`{"alg":"none","typ":"at+jwt"}`) + "." + payload + "."},
		{name: "alg None with a signature", cause: "unsigned", token: b64(`{"alg":"None","typ":"at+jwt"}`) + "." + payload + "." + b64("signature")},
		{name: "HS256", cause: "shared-secret", token: b64(`{"alg":"HS256","typ":"at+jwt"}`) + "." + payload + "." + b64("0123456789abcdef0123456789abcdef")},
		{name: "alg in lower case", cause: "algorithm-case", token: k.mint(claims{"alg": "es256"}, nil)},
		{name: "ES256K", cause: "algorithm", token: k.mint(claims{"alg": "ES256K"}, nil)},
		{name: "crit", cause: "critical-extension", token: k.mint(claims{"crit": []string{"b64"}, "b64": true}, nil)},
		{name: "no alg", cause: "malformed-header", token: k.mint(claims{"alg": nil}, nil)},
		{name: "alg twice", cause: "duplicate-header", token: k.issuer.Sign("ES256", []byte(`{"alg":"ES256","alg":"none"}`), []byte(`{}`))},
		{name: "header of an encrypted token", cause: "encrypted-header", token: k.mint(claims{"enc": "A256GCM"}, nil)},
	}
	for i := range list {
		list[i].exit = 1
	}
	return list
}

// kinds are other kinds of tokens than access tokens.
func (k *kit) kinds() []explained {
	keycloak, entra, cognito := k.api("--profile", "keycloak"), k.api("--profile", "entraid"), []string{"--issuer", k.issuer.URL(), "--audience", "app", "--profile", "cognito"}
	list := []explained{
		{name: "ID token", cause: "id-token", token: k.kind(bearertest.RFC9068, bearertest.IDToken)},
		{name: "ID token of Keycloak", cause: "id-token", token: k.kind(bearertest.Keycloak, bearertest.IDToken), args: keycloak},
		{name: "ID token of Entra ID", cause: "id-token", token: k.kind(bearertest.EntraID, bearertest.IDToken), args: entra},
		{name: "ID token of Cognito", cause: "id-token", token: k.kind(bearertest.Cognito, bearertest.IDToken), args: cognito},
		{name: "refresh token of Keycloak", cause: "refresh-token", token: k.kind(bearertest.Keycloak, bearertest.RefreshToken), args: keycloak},
		{name: "logout token", cause: "logout-token", token: k.issuer.LogoutToken("app", "alice", "")},
		{name: "DPoP proof", cause: "dpop-proof", token: k.mint(claims{"typ": "dpop+jwt"}, claims{"iss": nil, "htm": "GET", "htu": audience, "aud": nil})},
		{name: "client assertion", cause: "client-assertion", token: k.mint(claims{"typ": "JWT"}, claims{"iss": "app", "sub": "app", "aud": k.issuer.URL()})},
		{name: "introspection response", cause: "introspection-response", token: k.mint(claims{"typ": "token-introspection+jwt"}, claims{"token_introspection": claims{"active": true}})},
		{name: "request object", cause: "authorization-request", token: k.mint(claims{"typ": "oauth-authz-req+jwt"}, nil)},
		{name: "Keycloak without profile", cause: "wrong-profile", token: k.shaped(bearertest.Keycloak, nil)},
		{name: "Entra ID without profile", cause: "wrong-profile", token: k.shaped(bearertest.EntraID, nil)},
		{name: "Okta without profile, expired", cause: "wrong-profile", token: k.shaped(bearertest.Okta, claims{"exp": at(-3*time.Hour - time.Minute)})},
		{name: "Auth0 under Okta", cause: "wrong-profile", token: k.shaped(bearertest.Auth0, nil), args: k.api("--profile", "okta")},
		{name: "unknown kind of Keycloak", cause: "kind", token: k.shaped(bearertest.Keycloak, claims{"typ": "Other"}), args: keycloak},
		{name: "unknown type", cause: "type", token: k.mint(claims{"typ": "acme+jwt"}, nil)},
	}
	for i := range list {
		list[i].exit = 1
	}
	return list
}

// issuers are tokens whose iss is not the API's issuer.
func (k *kit) issuers() []explained {
	const tenant = "6babcaad-604b-40ac-a9d7-9fd97c0b779f"
	token := func(iss string) string { return k.mint(nil, claims{"iss": iss}) }
	list := []explained{
		{name: "issuer slash", cause: "issuer-slash", token: token("https://login.example.com/"), args: k.withIssuer("https://login.example.com")},
		{name: "issuer case", cause: "issuer-case", token: token("https://login.example.com/Shop"), args: k.withIssuer("https://login.example.com/shop")},
		{name: "issuer scheme", cause: "issuer-scheme", token: token("http://login.example.com/realms/shop"), args: k.withIssuer("https://login.example.com/realms/shop")},
		{name: "issuer in Docker", cause: "issuer-two-names", token: token("http://localhost:8080/realms/shop"), args: k.withIssuer("http://keycloak:8080/realms/shop")},
		{name: "issuer port", cause: "issuer-port", token: token("https://login.example.com:8443/"), args: k.withIssuer("https://login.example.com")},
		{name: "metadata URL as issuer", cause: "issuer-metadata-url", token: token("https://login.example.com"), args: k.withIssuer("https://login.example.com/.well-known/openid-configuration")},
		{name: "other realm", cause: "other-realm", token: token("https://login.example.com/realms/test"), args: k.withIssuer("https://login.example.com/realms/shop")},
		{name: "Keycloak with auth", cause: "keycloak-auth-path", token: token("https://login.example.com/auth/realms/shop"), args: k.withIssuer("https://login.example.com/realms/shop")},
		{name: "Entra version 1", cause: "entra-v1", token: k.shaped(bearertest.EntraIDv1, claims{"iss": "https://sts.windows.net/" + tenant + "/"}), args: k.withIssuer("https://login.microsoftonline.com/"+tenant+"/v2.0", "--profile", "entraid")},
		{name: "Entra version 2", cause: "entra-v2", token: k.shaped(bearertest.EntraID, claims{"iss": "https://login.microsoftonline.com/" + tenant + "/v2.0"}), args: k.withIssuer("https://sts.windows.net/"+tenant+"/", "--profile", "entraid")},
		{name: "Entra common", cause: "entra-common", token: k.shaped(bearertest.EntraID, claims{"iss": "https://login.microsoftonline.com/" + tenant + "/v2.0"}), args: k.withIssuer("https://login.microsoftonline.com/common/v2.0", "--profile", "entraid")},
		{name: "Entra tenant", cause: "entra-tenant", token: k.shaped(bearertest.EntraID, claims{"iss": "https://login.microsoftonline.com/" + tenant + "/v2.0"}), args: k.withIssuer("https://login.microsoftonline.com/9122040d-6c67-4c5b-b112-36a304b66dad/v2.0", "--profile", "entraid")},
		{name: "Entra without v2.0", cause: "entra-version", token: k.shaped(bearertest.EntraID, claims{"iss": "https://login.microsoftonline.com/" + tenant + "/v2.0"}), args: k.withIssuer("https://login.microsoftonline.com/"+tenant, "--profile", "entraid")},
		{name: "Okta server", cause: "okta-server", token: token("https://acme.okta.com"), args: k.withIssuer("https://acme.okta.com/oauth2/default")},
		{name: "other issuer", cause: "other-issuer", token: token("https://other.example.net"), args: k.withIssuer("https://login.example.com")},
		{name: "escape sequences in iss", cause: "other-issuer", token: token("https://evil.example/\x1b[2J\u202eabc"), args: k.withIssuer("https://login.example.com")},
		{name: "no iss", cause: "no-issuer", token: k.mint(nil, claims{"iss": nil})},
	}
	for i := range list {
		list[i].exit = 1
	}
	return list
}

// contents are tokens whose claims are malformed or missing.
func (k *kit) contents() []explained {
	list := []explained{
		{name: "exp as text", cause: "time-as-text", token: k.mint(nil, claims{"exp": "1764371234"})},
		{name: "exp in milliseconds", cause: "time-in-milliseconds", token: k.mint(nil, claims{"exp": at(time.Hour) * 1000})},
		{name: "iat in milliseconds", cause: "time-in-milliseconds", token: k.mint(nil, claims{"iat": at(-time.Hour) * 1000})},
		{name: "no exp", cause: "no-expiry", token: k.mint(nil, claims{"exp": nil})},
		{name: "no client", cause: "missing-claim", token: k.mint(nil, claims{"client_id": nil})},
		{name: "no jti and no sub", cause: "missing-claim", token: k.mint(nil, claims{"jti": nil, "sub": nil})},
		{name: "aud as number", cause: "malformed-claim", token: k.mint(nil, claims{"aud": 1})},
		{name: "cnf as text", cause: "malformed-binding", token: k.mint(nil, claims{"cnf": "key"})},
		{name: "claim twice", cause: "duplicate-claim", token: k.issuer.Sign("ES256", []byte(`{"alg":"ES256","typ":"at+jwt"}`), []byte(`{"iss":"a","iss":"b"}`))},
		{name: "payload is a list", cause: "malformed-claims", token: k.issuer.Sign("ES256", []byte(`{"alg":"ES256","typ":"at+jwt"}`), []byte(`[]`))},
		{name: "workload", cause: "subject", token: k.shaped(bearertest.Kubernetes, claims{"sub": "alice"}), args: k.api("--profile", "kubernetes")},
		{name: "several mistakes", cause: "other-audience", token: k.mint(nil, claims{"aud": "https://other.example.net", "exp": at(-time.Hour * 3), "cnf": claims{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}})},
		{name: "part of itself in a claim", cause: "other-audience", token: k.mint(claims{"kid": nil}, claims{"aud": b64(`{"alg":"ES256","typ":"at+jwt"}`)})},
	}
	for i := range list {
		list[i].exit = 1
	}
	return list
}

func jsonOf(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}

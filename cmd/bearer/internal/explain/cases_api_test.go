package explain_test

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// audiences are tokens for another API, or for this one under another name.
func (k *kit) audiences() []explained {
	token := func(aud any) string { return k.mint(nil, claims{"aud": aud}) }
	keycloak := func(aud any) string { return k.shaped(bearertest.Keycloak, claims{"aud": aud}) }
	list := []explained{
		{name: "aud slash", cause: "audience-looks-equal", token: token(audience + "/")},
		{name: "aud case", cause: "audience-looks-equal", token: token("https://API.example.com")},
		{name: "aud scheme", cause: "audience-looks-equal", token: token("http://api.example.com")},
		{name: "aud with several names in a text", cause: "audience-looks-equal", token: token(audience + " https://other.example.com")},
		{name: "no aud in Keycloak", cause: "no-audience", token: keycloak(nil), args: k.api("--profile", "keycloak")},
		{name: "account in Keycloak", cause: "keycloak-audience", token: keycloak("account"), args: k.api("--profile", "keycloak")},
		{name: "Graph", cause: "graph-audience", token: k.shaped(bearertest.EntraID, claims{"aud": "00000003-0000-0000-c000-000000000000"}), args: k.api("--profile", "entraid")},
		{name: "userinfo", cause: "userinfo-audience", token: k.shaped(bearertest.Auth0, claims{"aud": k.issuer.URL() + "/userinfo"}), args: k.api("--profile", "auth0")},
		{name: "aud is the client", cause: "client-audience", token: token("app")},
		{name: "api URI against ID", cause: "entra-audience", token: k.shaped(bearertest.EntraID, claims{"iss": "https://login.microsoftonline.com/t/v2.0", "aud": "9122040d-6c67-4c5b-b112-36a304b66dad"}),
			args: []string{"--issuer", "https://login.microsoftonline.com/t/v2.0", "--audience", "api://9122040d-6c67-4c5b-b112-36a304b66dad", "--keys", k.keys, "--profile", "entraid"}},
		{name: "other aud", cause: "other-audience", token: token("https://other.example.com")},
		{name: "Cognito client", cause: "other-client", token: k.shaped(bearertest.Cognito, claims{"client_id": "web"}), args: k.api("--profile", "cognito")},
	}
	for i := range list {
		list[i].exit = 1
	}
	return list
}

// times are tokens out of their time.
func (k *kit) times() []explained {
	list := []explained{
		{name: "expired", cause: "expired", exit: 1, token: k.mint(nil, claims{"exp": at(-3*time.Hour - time.Minute)})},
		{name: "expired just now", cause: "expired-now", exit: 1, token: k.mint(nil, claims{"exp": at(-20 * time.Second)})},
		{name: "used before issued", cause: "clock", exit: 1, token: k.mint(nil, claims{"iat": at(3*time.Minute + 30*time.Second)})},
		{name: "local time for UTC", cause: "time-zone", exit: 1, token: k.mint(nil, claims{"nbf": at(2*time.Hour + 20*time.Second)})},
		{name: "not yet valid", cause: "not-yet-valid", exit: 1, token: k.mint(nil, claims{"nbf": at(72*time.Hour + time.Hour)})},
		{name: "clock within the leeway", token: k.mint(nil, claims{"iat": at(100 * time.Second)}), args: k.api("--leeway", "4m")},
		{name: "exp as a fraction", token: k.mint(nil, claims{"exp": float64(at(3*time.Hour)) + 0.5})},
		{name: "expired, at an earlier time", token: k.mint(nil, claims{"iat": at(-6 * time.Hour), "exp": at(-3 * time.Hour)}), args: k.api("--at", time.Now().Add(-4*time.Hour).UTC().Format(time.RFC3339))},
		{name: "good, at a later time", cause: "expired", exit: 1, token: k.mint(nil, nil), args: k.api("--at", time.Now().Add(50*time.Hour).UTC().Format(time.RFC3339))},
	}
	return list
}

// routes are good tokens that lack what the route requires.
func (k *kit) routes() []explained {
	const jkt = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
	write := k.api("--scope", "orders:write")
	nested := claims{"resource_access": claims{"orders-api": claims{"roles": []string{"admin"}}}}
	keycloak := k.api("--profile", "keycloak", "--role", "admin")
	list := []explained{
		{name: "bound to a key", cause: "dpop-bound", token: k.mint(nil, claims{"cnf": claims{"jkt": jkt}})},
		{name: "bound to a certificate", cause: "certificate-bound", token: k.mint(nil, claims{"cnf": claims{"x5t#S256": jkt}})},
		{name: "unknown binding", cause: "unknown-binding", token: k.mint(nil, claims{"cnf": claims{"kid": "1"}})},
		{name: "lacks the scope", cause: "lacks-scope", token: k.mint(nil, claims{"scope": "orders:read"}), args: write},
		{name: "scope in other case", cause: "scope-spelling", token: k.mint(nil, claims{"scope": "Orders:Write"}), args: write},
		{name: "scope among the permissions", cause: "scope-elsewhere", token: k.shaped(bearertest.Auth0, claims{"permissions": []string{"orders:write"}}), args: k.api("--scope", "orders:write", "--profile", "auth0")},
		{name: "scp under a profile that reads scope", cause: "scope-elsewhere", token: k.shaped(bearertest.Keycloak, claims{"scope": nil, "scp": []string{"orders:write"}}), args: k.api("--scope", "orders:write", "--profile", "keycloak")},
		{name: "scope among the roles", cause: "scope-elsewhere", token: k.shaped(bearertest.EntraID, claims{"scp": nil, "roles": []string{"orders:write"}}), args: k.api("--scope", "orders:write", "--profile", "entraid")},
		{name: "lacks the role", cause: "lacks-role", token: k.shaped(bearertest.Keycloak, nil), args: keycloak},
		{name: "nested roles of Keycloak", cause: "role-elsewhere", token: k.shaped(bearertest.Keycloak, nested), args: keycloak},
		{name: "groups with a slash", cause: "role-spelling", token: k.shaped(bearertest.Keycloak, claims{"groups": []string{"/admin"}}), args: keycloak},
		{name: "role in other case", cause: "role-spelling", token: k.mint(nil, claims{"roles": []string{"Admin"}}), args: k.api("--role", "admin")},
	}
	for i := range list {
		list[i].exit = 1
	}
	return append(list,
		explained{name: "good", token: k.mint(nil, claims{"scope": "orders:write"}), args: write},
		explained{name: "good for Keycloak with a role", token: k.issuer.Mint(bearertest.Token{Shape: bearertest.Keycloak, Roles: []string{"admin"}}), args: keycloak},
		explained{name: "good without kid", token: k.mint(claims{"kid": nil}, nil)},
		explained{name: "good without an API", exit: 3, token: k.shaped(bearertest.Keycloak, nil), args: []string{}},
		explained{name: "opaque without an API", cause: "opaque", exit: 3, token: "ory_at_3s2kVx1Zq8", args: []string{}},
		explained{name: "expired without an API", cause: "expired", exit: 1, token: k.mint(nil, claims{"exp": at(-3*time.Hour - time.Minute)}), args: []string{}},
		explained{name: "HS256 without an API", cause: "shared-secret", exit: 1, args: []string{},
			token: b64(`{"alg":"HS256","typ":"JWT"}`) + "." + b64(jsonOf(claims{"sub": "alice", "iss": "shop", "exp": at(time.Hour)})) + "." + b64("0123456789abcdef0123456789abcdef")},
	)
}

// signatures are tokens whose key or signature is not right, and issuers that fail.
func (k *kit) signatures(t *testing.T) []explained {
	t.Helper()
	parts := strings.Split(k.mint(nil, nil), ".")
	other := newIssuer(t)
	for range 3 { // so that its kid is unknown to the first one
		if _, err := other.AddKey("ES256"); err != nil {
			t.Fatal(err)
		}
	}
	foreign := other.Mint(bearertest.Token{Claims: claims{"iss": k.issuer.URL(), "iat": at(-3*time.Hour - time.Minute)}})
	forged := newIssuer(t).Mint(bearertest.Token{Claims: claims{"iss": k.issuer.URL()}})
	list := []explained{
		{name: "other claims", cause: "signature", token: parts[0] + "." + b64(jsonOf(claims{"iss": k.issuer.URL(), "sub": "root", "aud": audience})) + "." + parts[2]},
		{name: "other server with the same kid", cause: "signature", token: forged},
		{name: "forged and expired", cause: "signature", token: newIssuer(t).Mint(bearertest.Token{TTL: -time.Hour, Claims: claims{"iss": k.issuer.URL()}})},
		{name: "unknown key", cause: "unknown-key", token: foreign},
		{name: "key of another algorithm", cause: "key-algorithm", token: k.mint(claims{"kid": "key-1"}, nil)},
		{name: "two keys of one kid", cause: "duplicate-kid", token: forged, args: k.api("--keys", k.twice(t))},
		{name: "Graph token", cause: "graph-token", args: k.api("--profile", "entraid"),
			token: newIssuer(t).Mint(bearertest.Token{Shape: bearertest.EntraID, Header: claims{"nonce": "uKq"}, Claims: claims{"iss": k.issuer.URL(), "aud": "00000003-0000-0000-c000-000000000000"}})},
		{name: "no key for the algorithm", cause: "no-key-for-algorithm", args: k.api("--keys", k.only(t, "ES384")), token: k.mint(claims{"kid": nil}, nil)},
	}
	for i := range list {
		list[i].exit = 1
	}
	return append(list, k.outages(t)...)
}

// outages are issuers whose keys cannot be had.
func (k *kit) outages(t *testing.T) []explained {
	t.Helper()
	serve := func(answers map[string]string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, ok := answers[r.URL.Path]
			if !ok {
				http.NotFound(w, r)
				return
			}
			_, _ = w.Write([]byte(strings.ReplaceAll(body, "ISSUER", "http://"+r.Host)))
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	const metadata = "/.well-known/openid-configuration"
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0) // which tells of the client's alert
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	var list []explained
	for _, o := range []struct{ name, cause, url string }{
		{"issuer down", "issuer-unreachable", down.URL},
		{"certificate of the issuer", "issuer-certificate", untrusted.URL},
		{"no metadata", "no-metadata", serve(nil)},
		{"metadata of another issuer", "metadata-issuer", serve(map[string]string{metadata: `{"issuer":"ISSUER/","jwks_uri":"ISSUER/jwks"}`})},
		{"web page as key set", "bad-key-set", serve(map[string]string{metadata: `{"issuer":"ISSUER","jwks_uri":"ISSUER/jwks"}`, "/jwks": "<html>"})},
		{"no usable key", "no-usable-key", serve(map[string]string{metadata: `{"issuer":"ISSUER","jwks_uri":"ISSUER/jwks"}`, "/jwks": `{"keys":[{"kty":"RSA","use":"enc","kid":"e","n":"AQAB","e":"AQAB"}]}`})},
		{"keys over http", "keys-over-http", serve(map[string]string{metadata: `{"issuer":"ISSUER","jwks_uri":"http://keys.example.com/jwks"}`})},
	} {
		list = append(list, explained{
			name: o.name, cause: o.cause, exit: 3, token: k.mint(nil, claims{"iss": o.url}),
			args: []string{"--issuer", o.url, "--audience", audience},
		})
	}
	return list
}

// twice writes a key set in which two keys have the kid of the signing key.
func (k *kit) twice(t *testing.T) string {
	t.Helper()
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal(k.issuer.KeySet(), &set); err != nil {
		t.Fatal(err)
	}
	var again struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal(newIssuer(t).KeySet(), &again); err != nil {
		t.Fatal(err)
	}
	return k.write(t, "twice.json", claims{"keys": append(set.Keys, again.Keys...)})
}

// only writes a key set with the keys of one curve.
func (k *kit) only(t *testing.T, algorithm string) string {
	t.Helper()
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal(k.issuer.KeySet(), &set); err != nil {
		t.Fatal(err)
	}
	var kept []map[string]any
	for _, key := range set.Keys {
		if key["crv"] == map[string]string{"ES384": "P-384"}[algorithm] {
			kept = append(kept, key)
		}
	}
	return k.write(t, "only.json", claims{"keys": kept})
}

func (k *kit) write(t *testing.T, name string, v any) string {
	t.Helper()
	file := filepath.Join(k.dir, name)
	if err := os.WriteFile(file, []byte(jsonOf(v)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

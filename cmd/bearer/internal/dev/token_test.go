package dev_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/dev"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
)

func TestTokenRefused(t *testing.T) {
	s := start(t, dev.Config{Clients: []dev.Client{
		{ID: "app", AnyLoopback: true}, {ID: "service", Secret: "a secret: 100%", Scope: "orders:read"},
		{ID: "web", AnyLoopback: true, Grants: []string{"authorization_code"}},
	}})
	own := func(more ...string) (form []string) {
		return append([]string{"grant_type", "client_credentials"}, more...)
	}
	for _, tt := range []struct {
		name   string
		form   []string
		header []string
		status int
		code   string
	}{
		{"no grant_type", []string{"client_id", "app"}, nil, 400, "invalid_request"},
		{"the password grant", []string{"client_id", "app", "grant_type", "password"}, nil, 400, "unsupported_grant_type"},
		{"an unknown client", own("client_id", "nobody"), nil, 401, "invalid_client"},
		{"no secret", own("client_id", "service"), nil, 401, "invalid_client"},
		{"a wrong secret", own(), basic("service", "wrong"), 401, "invalid_client"},
		{"a wrong secret in the form", own("client_id", "service", "client_secret", "wrong"), nil, 401, "invalid_client"},
		{"a secret of a public client", own("client_id", "app", "client_secret", "x"), nil, 401, "invalid_client"},
		{"two ways of authentication", own("client_id", "service", "client_secret", "x"), basic("service", "x"), 400, "invalid_request"},
		{"two clients", own("client_id", "app"), basic("service", "a secret: 100%"), 401, "invalid_client"},
		{"a token as Authorization", own(), []string{"Authorization", "Bearer x"}, 401, "invalid_client"},
		{"a grant that is not the client's", own("client_id", "web"), nil, 400, "unauthorized_client"},
		{"a malformed scope", own("scope", "a\x01b"), nil, 400, "invalid_scope"},
		{"a scope that is not the client's", own("scope", "admin"), basic("service", "a secret: 100%"), 400, "invalid_scope"},
		{"a parameter twice", own("scope", "a", "scope", "b"), nil, 400, "invalid_request"},
		{"no UTF-8", own("sub", "\xff"), nil, 400, "invalid_request"},
		{"a relative resource", own("resource", "api"), nil, 400, "invalid_target"},
		{"an unknown profile", own("profile", "keyclok"), nil, 400, "invalid_request"},
		{"an unknown format", own("token_format", "xml"), nil, 400, "invalid_request"},
		{"a claim without a value", own("claim", "tenant"), nil, 400, "invalid_request"},
		{"auth_age that is no time", own("auth_age", "long"), nil, 400, "invalid_request"},
		{"text that is no certificate", own("client_certificate", "x"), nil, 400, "invalid_request"},
		{"no refresh token", []string{"grant_type", "refresh_token", "client_id", "app"}, nil, 400, "invalid_request"},
		{"an unknown refresh token", []string{"grant_type", "refresh_token", "client_id", "app", "refresh_token", "x"}, nil, 400, "invalid_grant"},
		{"no device code", []string{"grant_type", "urn:ietf:params:oauth:grant-type:device_code", "client_id", "app"}, nil, 400, "invalid_request"},
		{"an unknown device code", []string{"grant_type", "urn:ietf:params:oauth:grant-type:device_code", "client_id", "app", "device_code", "x"}, nil, 400, "invalid_grant"},
	} {
		a := s.post(t, "/token", values(tt.form...), tt.header...)
		t.Run(tt.name, func(t *testing.T) { refusedWith(t, a, tt.status, tt.code) })
		if a.status == http.StatusUnauthorized && a.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: 401 without a challenge", tt.name)
		}
	}
	if a := s.get(t, "/token?grant_type=client_credentials"); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "POST" {
		t.Errorf("GET: %d", a.status)
	}
	refusedWith(t, do(t, http.DefaultClient, newRequest(t, "POST", s.url+"/token", `{"grant_type":"client_credentials"}`, "Content-Type", "application/json")), 400, "invalid_request")
	if a := s.post(t, "/token", values(own("scope", "orders:read")...), basic("service", "a secret: 100%")...); a.status != http.StatusOK || a.body["refresh_token"] != nil || a.body["id_token"] != nil {
		t.Errorf("the right secret: %d %s", a.status, a.text)
	}
}

// profiles are the profiles by the code that the server prints.
var profiles = map[string]jwks.Profile{
	"": {}, "jwks.ADFS()": jwks.ADFS(), "jwks.Auth0()": jwks.Auth0(), "jwks.AzureADB2C()": jwks.AzureADB2C(), "jwks.CloudflareAccess()": jwks.CloudflareAccess(),
	"jwks.Cognito()": jwks.Cognito(), "jwks.Duende()": jwks.Duende(), "jwks.EntraID()": jwks.EntraID(), "jwks.Firebase()": jwks.Firebase(),
	"jwks.GitHubActions()": jwks.GitHubActions(), "jwks.Glewlwyd()": jwks.Glewlwyd(), "jwks.Google()": jwks.Google(), "jwks.GoogleIAP()": jwks.GoogleIAP(),
	"jwks.Hydra()": jwks.Hydra(), "jwks.Keycloak()": jwks.Keycloak(), "jwks.Kubernetes()": jwks.Kubernetes(), "jwks.Okta()": jwks.Okta(),
	"jwks.PingFederate()": jwks.PingFederate(), "jwks.SPIFFE()": jwks.SPIFFE(), "jwks.Spring()": jwks.Spring(), "jwks.Zitadel()": jwks.Zitadel(),
}

// The tokens of each profile pass an API with the code that the server prints, in
// every flow; ID tokens do not.
func TestProfiles(t *testing.T) {
	for _, shape := range bearertest.Shapes() {
		t.Run(string(shape), func(t *testing.T) {
			t.Parallel()
			s := start(t, dev.Config{Issuers: []dev.Issuer{{Profile: shape, Audience: []string{"orders-api"}}}})
			code := s.server.Summary().Issuers[0]
			profile, known := profiles[profileIn(code.Go)]
			if !known {
				t.Fatalf("no profile in %s", code.Go)
			}
			trusted := jwks.Issuer{URL: s.url, Audience: code.Audience, Profile: profile}
			b := s.browser(t)
			user := s.redeem(t, b.signIn(t, authorization(), "alice"))
			own := s.post(t, "/token", values("grant_type", "client_credentials", "scope", "orders:read"), basic("service", "secret")...)
			p, err := verify(t, trusted, user.get("access_token"))
			if err != nil || p.Issuer != s.url {
				t.Errorf("a user's token: %v", err)
			} else if !strings.HasSuffix(p.Subject, "alice") {
				t.Errorf("the subject is %q", p.Subject)
			}
			if _, err := verify(t, trusted, own.get("access_token")); err != nil {
				t.Errorf("a client's token: %v", err)
			}
			trusted.Audience = append(slices.Clone(trusted.Audience), "app")
			if p, err := verify(t, trusted, user.get("id_token")); err == nil {
				t.Errorf("the ID token is accepted: %+v", p)
			}
			if id := claimsOf(t, user.get("id_token")); id["sub"] != claimsOf(t, user.get("access_token"))["sub"] || id["aud"] != "app" {
				t.Errorf("ID token %v", id)
			}
		})
	}
}

// A request without a client is one of the first client that may have its own tokens.
func TestClientCredentialsWithoutAClient(t *testing.T) {
	s := start(t, dev.Config{Clients: []dev.Client{{ID: "web", Grants: []string{"authorization_code"}}, {ID: "worker", Secret: "x"}}})
	a := s.post(t, "/token", values("grant_type", "client_credentials"))
	if a.status != http.StatusOK || claimsOf(t, a.get("access_token"))["client_id"] != "worker" {
		t.Errorf("%d %s", a.status, a.text)
	}
}

// The parameters for development.
func TestDevelopmentParameters(t *testing.T) {
	s := start(t, dev.Config{})
	mint := func(more ...string) string {
		t.Helper()
		a := s.post(t, "/token", values(append([]string{"grant_type", "client_credentials"}, more...)...))
		if a.status != http.StatusOK {
			t.Fatalf("%v: %d %s", more, a.status, a.text)
		}
		return a.get("access_token")
	}
	p, err := verify(t, api(s.url), mint("sub", "alice", "scope", "orders:read", "acr", "mfa", "auth_age", "60", "sid", "s1",
		"claim", `tenant={"id":7}`, "claim", "plan=gold", "roles", "auditor", "roles", "editor", "valid_for", "10m"))
	if err != nil {
		t.Fatal(err)
	}
	var more struct {
		Tenant struct {
			ID int `json:"id"`
		} `json:"tenant"`
		Plan string `json:"plan"`
	}
	if err := p.Claims(&more); err != nil || more.Tenant.ID != 7 || more.Plan != "gold" {
		t.Errorf("claims %+v, %v", more, err)
	}
	if p.Subject != "alice" || p.ClientID != "app" || p.ACR != "mfa" || p.SessionID != "s1" || !p.HasRole("editor") || p.HasRole("admin") {
		t.Errorf("principal %+v %v", p, p.Roles())
	}
	if life := time.Until(p.Expires); life < 9*time.Minute || life > 11*time.Minute {
		t.Errorf("good for %v", life)
	}
	if age := time.Since(p.AuthTime); age < time.Minute || age > 2*time.Minute {
		t.Errorf("signed in %v ago", age)
	}
	if p, err := verify(t, api(s.url), mint("sub", "alice")); err != nil || !p.HasRole("admin") {
		t.Errorf("alice has no role admin: %v", err)
	}
	if p, err := verify(t, api(s.url), mint("sub", "carol")); err != nil || p.Subject != "carol" {
		t.Errorf("a user of no account: %v", err)
	}
	if p, err := verify(t, api(s.url), mint()); err != nil || !p.IsClient() {
		t.Errorf("the client's own token: %v", err)
	}
	if _, err := verify(t, api(s.url), mint("valid_for", "-1m")); err == nil {
		t.Error("an expired token is accepted")
	}
	keycloak := api(s.url)
	keycloak.Profile = jwks.Keycloak()
	if p, err := verify(t, keycloak, mint("profile", "keycloak", "sub", "alice", "roles", "admin")); err != nil || !p.HasRole("admin") {
		t.Errorf("a token of Keycloak's form: %v", err)
	}
	for _, form := range [][]string{{"resource", "https://other.example.com"}, {"audience", "other"}} {
		if p, err := verify(t, jwks.Issuer{URL: s.url, Audience: form[1:]}, mint(form...)); err != nil || !p.HasAudience(form[1]) {
			t.Errorf("%v: %v", form, err)
		}
	}
	if cnf, _ := claimsOf(t, mint("client_certificate", selfSigned(t)))["cnf"].(map[string]any); cnf["x5t#S256"] == nil {
		t.Errorf("cnf %v", cnf)
	}
	if claims := claimsOf(t, mint("token_format", "logout", "sub", "alice")); claims["events"] == nil || claims["sub"] != "alice" {
		t.Errorf("logout token %v", claims)
	}
}

// A refresh token is good once. Its second use ends the grant.
func TestRefresh(t *testing.T) {
	s := start(t, dev.Config{})
	b := s.browser(t)
	const first, second = "https://one.example.com", "https://two.example.com"
	got := s.redeem(t, b.signIn(t, authorization("scope", "openid orders:read orders:write")+"&resource="+first+"&resource="+second, "alice"), "resource", first)
	if _, err := verify(t, jwks.Issuer{URL: s.url, Audience: []string{first}}, got.get("access_token")); err != nil {
		t.Errorf("for one of the two resources: %v", err)
	}
	use := func(token string, more ...string) answer {
		return s.post(t, "/token", values(append([]string{"grant_type", "refresh_token", "client_id", "app", "refresh_token", token}, more...)...))
	}
	token := got.get("refresh_token")
	refusedWith(t, use(token, "scope", "admin"), 400, "invalid_scope")
	refusedWith(t, use(token, "scope", "a\x01"), 400, "invalid_scope")
	refusedWith(t, use(token, "resource", "https://three.example.com"), 400, "invalid_target")
	refusedWith(t, s.post(t, "/token", values("grant_type", "refresh_token", "refresh_token", token), basic("service", "secret")...), 400, "invalid_grant")
	next := use(token, "scope", "orders:read", "resource", second)
	if next.status != http.StatusOK || next.get("scope") != "orders:read" || next.get("refresh_token") == token {
		t.Fatalf("%d %s", next.status, next.text)
	}
	if _, err := verify(t, jwks.Issuer{URL: s.url, Audience: []string{second}}, next.get("access_token")); err != nil {
		t.Errorf("for the other resource: %v", err)
	}
	wide := use(next.get("refresh_token"))
	if wide.status != http.StatusOK || wide.get("id_token") == "" || !s.active(t, wide.get("access_token")) {
		t.Fatalf("all scopes again: %d %s", wide.status, wide.text)
	}
	refusedWith(t, use(token), 400, "invalid_grant") // somebody else has it
	refusedWith(t, use(wide.get("refresh_token")), 400, "invalid_grant")
	if s.active(t, wide.get("access_token")) {
		t.Error("an access token of the grant is still active")
	}
}

// Opaque tokens, for an API that asks the issuer.
func TestOpaque(t *testing.T) {
	s := start(t, dev.Config{Issuers: []dev.Issuer{{Opaque: true}}})
	v, err := introspect.New(introspect.Config{
		Issuer: s.url, Auth: introspect.ClientSecretBasic("service", "secret"), Audience: []string{"https://api.example.com"}, MaxAge: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	got := s.redeem(t, s.browser(t).signIn(t, authorization(), "alice"))
	token := got.get("access_token")
	if p, err := v.Verify(t.Context(), token); err != nil || p.Subject != "alice" || !p.HasRole("admin") {
		t.Fatalf("%v, %v", p, err)
	}
	if s.active(t, got.get("refresh_token")) || s.active(t, got.get("id_token")) || s.active(t, "unknown") {
		t.Error("a token that is no access token is active")
	}
	refusedWith(t, s.post(t, "/introspect", values("token", token, "client_id", "app")), 401, "invalid_client")
	refusedWith(t, s.post(t, "/introspect", values("token", token)), 401, "invalid_client")
	refusedWith(t, s.post(t, "/introspect", values("x", "y"), basic("service", "secret")...), 400, "invalid_request")

	// RFC 7009: a client revokes its own tokens alone.
	refusedWith(t, s.post(t, "/revoke", values("token", token), basic("service", "secret")...), 400, "unauthorized_client")
	refusedWith(t, s.post(t, "/revoke", values("token", got.get("refresh_token")), basic("service", "secret")...), 400, "unauthorized_client")
	refusedWith(t, s.post(t, "/revoke", values("client_id", "app")), 400, "invalid_request")
	refusedWith(t, s.post(t, "/revoke", values("token", token)), 401, "invalid_client")
	if a := s.post(t, "/revoke", values("token", "unknown", "client_id", "app")); a.status != http.StatusOK {
		t.Errorf("an unknown token: %d", a.status)
	}
	if a := s.post(t, "/revoke", values("token", token, "client_id", "app")); a.status != http.StatusOK || s.active(t, token) {
		t.Errorf("revoked: %d %s", a.status, a.text)
	}
	if _, err := v.Verify(t.Context(), token); err == nil {
		t.Error("the API accepts a revoked token")
	}
	again := s.post(t, "/token", values("grant_type", "refresh_token", "client_id", "app", "refresh_token", got.get("refresh_token")))
	if again.status != http.StatusOK {
		t.Fatalf("%d %s", again.status, again.text)
	}
	s.post(t, "/revoke", values("token", again.get("refresh_token"), "client_id", "app"))
	if s.active(t, again.get("access_token")) {
		t.Error("the access token outlives its refresh token's revocation")
	}
}

// selfSigned returns a certificate in PEM.
func selfSigned(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

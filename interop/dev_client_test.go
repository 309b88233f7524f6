package interop_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/jwks"
)

const devCallback = "http://127.0.0.1:7/callback"

// devTokens are tokens as the client reads them.
type devTokens struct {
	Access, Refresh, ID, Type string
	Claims                    map[string]any
}

func newDevClient(t *testing.T) *nodeClient {
	t.Helper()
	needNode(t, devClientFolder)
	c, err := newNodeClient(devClientFolder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.process.stop)
	c.process.showIfFailed(t)
	return c
}

// devAPI is an API for the tokens of bearer dev.
func devAPI(t *testing.T, issuer string, profile jwks.Profile) *api {
	t.Helper()
	return newAPI(t, jwks.Config{Issuers: []jwks.Issuer{{URL: issuer, Audience: []string{"https://api.example.com"}, Profile: profile}}})
}

type command map[string]string

// openid-client signs in at bearer dev by code and PKCE, checks the ID token with
// its signature, reads UserInfo, refreshes, introspects, revokes and signs out.
func TestDevWithOpenIDClient(t *testing.T) {
	issuer := startBearerDev(t)
	a := devAPI(t, issuer, jwks.Profile{})
	c := newDevClient(t)
	for _, algorithm := range []string{"oidc", "oauth2"} { // both kinds of metadata
		var found struct{ Issuer string }
		c.does(t, command{"command": "discover", "issuer": issuer, "id": "app", "algorithm": algorithm}, &found)
		if found.Issuer != issuer {
			t.Errorf("%s: issuer %q", algorithm, found.Issuer)
		}
	}
	for _, dpop := range []bool{false, true} {
		c.does(t, map[string]any{"command": "dpop", "on": dpop}, &struct{}{})
		var begun struct{ URL string }
		c.does(t, command{"command": "begin", "redirect": devCallback, "scope": "openid profile email orders:read", "max_age": "60", "acr_values": "urn:example:mfa"}, &begun)
		var got, refreshed devTokens
		c.does(t, command{"command": "finish", "url": signInAt(t, begun.URL, "alice")}, &got)
		if got.Claims["sub"] != "alice" || got.Claims["acr"] != "urn:example:mfa" || got.Claims["email"] != "alice@example.com" {
			t.Errorf("DPoP %v: ID token %v", dpop, got.Claims)
		}
		var info struct {
			Name string `json:"name"`
		}
		c.does(t, command{"command": "userinfo", "token": got.Access, "subject": "alice"}, &info)
		c.does(t, command{"command": "refresh", "token": got.Refresh, "scope": "orders:read"}, &refreshed)
		if info.Name != "Alice" || refreshed.Refresh == got.Refresh {
			t.Errorf("DPoP %v: %q, and the refresh token does not rotate", dpop, info.Name)
		}
		if dpop {
			if !strings.EqualFold(got.Type, "DPoP") || claimsOf(refreshed.Access)["cnf"] == nil {
				t.Errorf("type %q, claims %v", got.Type, claimsOf(refreshed.Access))
			}
			continue
		}
		p := a.accepts(t, "/orders", refreshed.Access)
		if p.Subject != "alice" || p.ClientID != "app" || p.Issuer != issuer {
			t.Errorf("principal %+v", p)
		}
		a.refuses(t, got.ID, "typ")
		if text := c.fails(t, command{"command": "refresh", "token": got.Refresh}); !strings.Contains(text, "invalid_grant") {
			t.Errorf("the old refresh token: %s", text)
		}
		if text := c.fails(t, command{"command": "finish", "url": devCallback + "?code=x&state=forged&iss=" + url.QueryEscape(issuer)}); text == "" {
			t.Error("a forged answer is accepted")
		}
	}

	c.does(t, map[string]any{"command": "dpop", "on": false}, &struct{}{})
	c.does(t, command{"command": "discover", "issuer": issuer, "id": "service", "secret": "secret"}, &struct{}{})
	var own devTokens
	c.does(t, command{"command": "own", "scope": "orders:read"}, &own)
	var known struct{ Active bool }
	if c.does(t, command{"command": "introspect", "token": own.Access}, &known); !known.Active || !a.accepts(t, "/orders", own.Access).Client {
		t.Error("a client's own token is not active, or not the client's")
	}
	c.does(t, command{"command": "revoke", "token": own.Access}, &struct{}{})
	if c.does(t, command{"command": "introspect", "token": own.Access}, &known); known.Active {
		t.Error("a revoked token is active")
	}
}

// A server that requires nonces: the client repeats its request with one.
func TestDevWithOpenIDClientNonces(t *testing.T) {
	c := newDevClient(t)
	issuer := startBearerDev(t, "--config", "testdata/dev-nonces.json")
	c.does(t, command{"command": "discover", "issuer": issuer, "id": "app"}, &struct{}{})
	c.does(t, map[string]any{"command": "dpop", "on": true}, &struct{}{})
	var begun struct{ URL string }
	c.does(t, command{"command": "begin", "redirect": devCallback, "scope": "openid"}, &begun)
	var got devTokens
	if c.does(t, command{"command": "finish", "url": signInAt(t, begun.URL, "bob")}, &got); !strings.EqualFold(got.Type, "DPoP") {
		t.Errorf("type %q", got.Type)
	}
}

func TestDevWithOpenIDClientDevice(t *testing.T) {
	issuer := startBearerDev(t)
	c := newDevClient(t)
	c.does(t, command{"command": "discover", "issuer": issuer, "id": "app"}, &struct{}{})
	var started struct {
		Page string `json:"verification_uri_complete"`
	}
	c.does(t, command{"command": "device", "scope": "openid orders:read"}, &started)
	approveDevice(t, started.Page, "bob")
	var got devTokens
	c.does(t, command{"command": "poll"}, &got)
	if p := devAPI(t, issuer, jwks.Profile{}).accepts(t, "/orders", got.Access); p.Subject != "bob" || got.Claims["sub"] != "bob" {
		t.Errorf("principal %+v, ID token %v", p, got.Claims)
	}
}

// A client that registers itself, at an issuer with a path and with tokens like
// Keycloak's.
func TestDevWithOpenIDClientRegistration(t *testing.T) {
	issuer := startBearerDev(t, "--issuer", "/realms/shop", "--profile", "keycloak") + "/realms/shop"
	c := newDevClient(t)
	c.does(t, command{"command": "register", "issuer": issuer, "redirect": devCallback}, &struct{}{})
	var begun struct{ URL string }
	c.does(t, command{"command": "begin", "redirect": devCallback, "scope": "openid orders:read"}, &begun)
	var got devTokens
	c.does(t, command{"command": "finish", "url": signInAt(t, begun.URL, "alice")}, &got)
	if p := devAPI(t, issuer, jwks.Keycloak()).accepts(t, "/orders", got.Access); p.Subject != "alice" {
		t.Errorf("principal %+v", p)
	}
}

// golang.org/x/oauth2 signs in, refreshes, and gets a token for a client.
func TestDevWithOAuth2(t *testing.T) {
	issuer := startBearerDev(t)
	a := devAPI(t, issuer, jwks.Profile{})
	config := oauth2.Config{
		ClientID: "app", RedirectURL: devCallback, Scopes: []string{"orders:read"},
		Endpoint: oauth2.Endpoint{AuthURL: issuer + "/authorize", TokenURL: issuer + "/token", DeviceAuthURL: issuer + "/device_authorization", AuthStyle: oauth2.AuthStyleInParams},
	}
	verifier := oauth2.GenerateVerifier()
	back, err := url.Parse(signInAt(t, config.AuthCodeURL("the-state", oauth2.S256ChallengeOption(verifier)), "alice"))
	if err != nil {
		t.Fatal(err)
	}
	if q := back.Query(); q.Get("state") != "the-state" || q.Get("iss") != issuer {
		t.Errorf("back with %v", q)
	}
	token, err := config.Exchange(t.Context(), back.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	if p := a.accepts(t, "/orders", token.AccessToken); p.Subject != "alice" {
		t.Errorf("principal %+v", p)
	}
	next, err := config.TokenSource(context.WithoutCancel(t.Context()), &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	if err != nil {
		t.Fatal(err)
	}
	a.accepts(t, "/orders", next.AccessToken)
	if _, err := config.Exchange(t.Context(), back.Query().Get("code"), oauth2.VerifierOption(verifier)); err == nil || !strings.Contains(err.Error(), "invalid_grant") {
		t.Errorf("the code again: %v", err)
	}
	device, err := config.DeviceAuth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	approveDevice(t, device.VerificationURIComplete, "bob")
	device.Interval = 1
	token, err = config.DeviceAccessToken(t.Context(), device)
	if err != nil {
		t.Fatal(err)
	}
	if p := a.accepts(t, "/orders", token.AccessToken); p.Subject != "bob" {
		t.Errorf("principal %+v", p)
	}
}

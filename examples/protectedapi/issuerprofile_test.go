package main

import (
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// shapesByFlag has the shape of the tokens that each -issuer-profile accepts.
var shapesByFlag = map[string]bearertest.Shape{
	"rfc9068": bearertest.RFC9068, "adfs": bearertest.ADFS, "auth0": bearertest.Auth0, "b2c": bearertest.AzureADB2C,
	"cloudflare": bearertest.CloudflareAccess, "cognito": bearertest.Cognito, "duende": bearertest.Duende, "entraid": bearertest.EntraID,
	"firebase": bearertest.Firebase, "github": bearertest.GitHubActions, "glewlwyd": bearertest.Glewlwyd, "google": bearertest.Google,
	"hydra": bearertest.Hydra, "iap": bearertest.GoogleIAP, "keycloak": bearertest.Keycloak, "kubernetes": bearertest.Kubernetes,
	"okta": bearertest.Okta, "ping": bearertest.PingFederate, "spiffe": bearertest.SPIFFE, "spring": bearertest.Spring, "zitadel": bearertest.Zitadel,
}

// withoutScopes are the profiles whose tokens have no scopes, and withoutRoles
// those whose tokens have no roles.
var (
	withoutScopes = []string{"cloudflare", "firebase", "github", "google", "iap", "kubernetes", "spiffe", "zitadel"}
	withoutRoles  = []string{"cloudflare", "github", "google", "iap", "kubernetes", "spiffe"}
)

// -issuer-profile says what the tokens look like. GET /admin/dashboard is open to
// the scope admin, and to the role admin if the profile has roles.
func TestIssuerProfiles(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	for name := range issuerProfiles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shape, ok := shapesByFlag[name]
			if !ok {
				t.Fatal("no shape")
			}
			frameworks := frameworks
			if name != "keycloak" {
				frameworks = []string{"nethttp"}
			}
			for _, framework := range frameworks {
				url := start(t, "-framework", framework, "-issuer", issuer.URL(), "-audience", audience, "-issuer-profile", name)
				byScope, byRole := 200, 200
				if slices.Contains(withoutScopes, name) {
					byScope = 403
				}
				if slices.Contains(withoutRoles, name) {
					byRole = 403
				}
				for _, tt := range []struct {
					about, path string
					token       bearertest.Token
					want        int
				}{
					{"who calls", "/me", bearertest.Token{}, 200},
					{"the scope admin", "/admin/dashboard", bearertest.Token{Scope: "admin"}, byScope},
					{"the role admin", "/admin/dashboard", bearertest.Token{Roles: []string{"admin"}}, byRole},
					{"another role", "/admin/dashboard", bearertest.Token{Roles: []string{"administrator"}}, 403},
					{"the role, at a route for the scope", "/admin/settings", bearertest.Token{Roles: []string{"admin", "settings:write"}}, 403},
				} {
					tt.token.Shape = shape
					got := send(t, url, "GET "+tt.path+"\nAuthorization: Bearer "+issuer.Mint(tt.token))
					if got.status != tt.want {
						t.Errorf("%s, %s: %+v; want %d", framework, tt.about, got, tt.want)
					}
					want := `Bearer realm="protectedapi", error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", ` +
						`scope="admin", resource_metadata="` + url + `/.well-known/oauth-protected-resource"`
					if challenge := got.header.Get("Www-Authenticate"); tt.path == "/admin/dashboard" && got.status == 403 && challenge != want {
						t.Errorf("%s, %s: the challenge is %s", framework, tt.about, challenge)
					}
				}
			}
		})
	}
}

// The command line of docs/five-minutes.md is valid.
func TestIssuerProfileOfTheDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/five-minutes.md")
	if err != nil {
		t.Fatal(err)
	}
	_, line, found := strings.Cut(string(page), "\ngo run ./examples/protectedapi ")
	line, _, ended := strings.Cut(line, "\n")
	if !found || !ended {
		t.Fatal("docs/five-minutes.md does not start the program")
	}
	c, err := parseFlags(strings.Fields(line), io.Discard)
	if err != nil || c.issuerProfile != "keycloak" || c.audience == "" {
		t.Errorf("%q: profile %q, audience %q, %v", line, c.issuerProfile, c.audience, err)
	}
}

// Without the flag, a role opens nothing, and other issuers' tokens are refused.
func TestWithoutIssuerProfile(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	url := start(t, "-issuer", issuer.URL(), "-audience", audience)
	for shape, want := range map[bearertest.Shape]int{bearertest.RFC9068: 403, bearertest.Keycloak: 401} {
		token := issuer.Mint(bearertest.Token{Shape: shape, Roles: []string{"admin"}})
		if got := send(t, url, "GET /admin/dashboard\nAuthorization: Bearer "+token); got.status != want {
			t.Errorf("%q: %+v; want %d", shape, got, want)
		}
	}
}

package jwks_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// Each profile finds the roles of its issuer's access tokens. RFC 9068, Section
// 2.2.3.1 names the claim of the default profile.
func TestRolesOfProfiles(t *testing.T) {
	withRoles := func(p jwks.Profile, roles ...string) jwks.Profile { p.Roles = roles; return p }
	roles := func(names ...string) map[string]any { return map[string]any{"roles": names} }
	keycloak := shape{typedJWT, map[string]any{
		"typ": "Bearer", "azp": "web", "jti": "1", "scope": "profile",
		"realm_access":    roles("offline_access", "admin"),
		"resource_access": map[string]any{"orders-api": roles("approver"), "account": roles("manage-account")},
	}}
	zitadel := shape{nil, map[string]any{
		"client_id": "web", "jti": "1",
		"urn:zitadel:iam:org:project:roles": map[string]any{"admin": map[string]any{"2719": "acme.example.com"}, "viewer": map[string]any{"2719": "acme.example.com"}},
	}}
	namespaced := shape{typedJWT, map[string]any{"azp": "web", "scope": "openid", "https://example.com/roles": []string{"admin"}}}
	tests := []struct {
		name     string
		profile  jwks.Profile
		audience string
		token    shape
		want     []string
	}{
		{"RFC 9068", jwks.Profile{}, "", shape{nil, map[string]any{"client_id": "web", "jti": "1", "roles": []string{"b", "a"}, "groups": []string{"staff"}, "entitlements": []string{"e"}}}, []string{"a", "b"}},
		{"RFC 9068 with objects of SCIM", jwks.Profile{}, "", shape{nil, map[string]any{"client_id": "web", "jti": "1", "roles": []any{map[string]any{"value": "a", "display": "A"}}}}, []string{"a"}},
		{"Keycloak, the realm's", jwks.Keycloak(), "", keycloak, []string{"admin", "offline_access"}},
		{"Keycloak, a client's", withRoles(jwks.Keycloak(), "/resource_access/orders-api/roles"), "", keycloak, []string{"approver"}},
		{"Keycloak, both", withRoles(jwks.Keycloak(), "/realm_access/roles", "/resource_access/orders-api/roles"), "", keycloak, []string{"admin", "approver", "offline_access"}},
		{"Keycloak, a client that the user has no role of", withRoles(jwks.Keycloak(), "/resource_access/other/roles"), "", keycloak, nil},
		{"Entra ID", jwks.EntraID(), "", shape{typedJWT, map[string]any{"azp": "web", "ver": "2.0", "scp": "Orders.Read", "roles": []string{"Orders.Approve"}}}, []string{"Orders.Approve"}},
		{"Okta", jwks.Okta(), "", shape{untyped, map[string]any{"cid": "web", "jti": "AT.1", "scp": []string{"openid"}, "groups": []string{"Everyone", "admin"}}}, []string{"Everyone", "admin"}},
		{"Auth0", jwks.Auth0(), "", shape{typedJWT, map[string]any{"azp": "web", "scope": "openid", "permissions": []string{"approve:orders"}}}, []string{"approve:orders"}},
		{"Auth0, a claim of an Action", withRoles(jwks.Auth0(), "/https:~1~1example.com~1roles"), "", namespaced, []string{"admin"}},
		{"Cognito", jwks.Cognito(), "web", shape{untyped, map[string]any{"client_id": "web", "jti": "1", "token_use": "access", "aud": nil, "cognito:groups": []string{"admin"}}}, []string{"admin"}},
		{"Zitadel", withRoles(jwks.Profile{}, "/urn:zitadel:iam:org:project:roles"), "", zitadel, []string{"admin", "viewer"}},
		{"Duende", withRoles(jwks.Profile{}, "/role"), "", shape{nil, map[string]any{"client_id": "web", "jti": "1", "role": "admin"}}, []string{"admin"}},
		{"none are read", withRoles(jwks.Profile{}, []string{}...), "", shape{nil, map[string]any{"client_id": "web", "jti": "1", "other": 1}}, nil},
	}
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	for _, tt := range tests {
		if tt.audience == "" {
			tt.audience = audience
		}
		v := trusting(t, issuer, func(i *jwks.Issuer) { i.Profile, i.Audience = tt.profile, []string{tt.audience} })
		token := tt.token.mint(issuer)
		for range 2 { // the second time from the cache
			p, err := v.Verify(t.Context(), token)
			if err != nil || !slices.Equal(p.Roles(), tt.want) {
				t.Errorf("%s: %v, %v; want the roles %q", tt.name, p, err, tt.want)
			}
		}
	}
}

// C18: malformed roles are read as absent. A route that asks for none lets the
// token in, one that asks for a role refuses it, and the log says why, once.
func TestMalformedRoles(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	var log bytes.Buffer
	v := newVerifier(t, jwks.Config{
		Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{audience}, Profile: jwks.Profile{Roles: []string{"/realm_access/roles"}}}},
		Logger:  slog.New(slog.NewTextHandler(&log, nil)), Client: issuer.Client(),
	})
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{v}})
	if err != nil {
		t.Fatal(err)
	}
	open := guard.MustRoute(bearer.RouteConfig{Rule: scope.None})
	admin := guard.MustRoute(bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{bearer.Role("admin")}})
	for _, access := range []any{"admin", []string{"admin"}, map[string]any{"roles": []any{"admin", 7}}, map[string]any{"roles": map[string]any{"admin": true}}} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+issuer.Mint(bearertest.Token{Claims: map[string]any{"realm_access": access}}))
		if d := open.Decide(r); !d.Allowed() {
			t.Errorf("%v: %v", access, d.Err())
		}
		d := admin.Decide(r)
		if e, _ := errors.AsType[*bearer.Error](d.Err()); d.Status() != 403 || e.Check != "role" || e.Got != "none" {
			t.Errorf("%v: %v", access, d.Err())
		}
	}
	if strings.Count(log.String(), "claim=realm_access") != 1 || !strings.Contains(log.String(), `found="at /realm_access: a JSON string instead of an object"`) {
		t.Errorf("the log is %s", log.String())
	}
}

// Malformed roles refuse a token if the profile requires the claim.
func TestRequiredRoles(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	v := trusting(t, issuer, func(i *jwks.Issuer) { i.Profile.Required = []string{"roles"} })
	for _, tt := range []struct {
		roles any
		good  bool
	}{{[]string{"a"}, true}, {[]string{}, true}, {7, false}, {nil, false}} {
		_, err := v.Verify(t.Context(), issuer.Mint(bearertest.Token{Claims: map[string]any{"roles": tt.roles}}))
		if e, _ := errors.AsType[*bearer.Error](err); (err == nil) != tt.good || e != nil && e.Check != "claims" {
			t.Errorf("%v: %v", tt.roles, err)
		}
	}
}

// C18: roles that are read from a claim whose malformed values refuse a token
// refuse it too.
func TestMalformedRolesInAStrictClaim(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	v := trusting(t, issuer, func(i *jwks.Issuer) { i.Profile.Roles = []string{"/cnf/roles"} })
	for _, tt := range []struct {
		roles any
		check string // empty: accepted
	}{{[]string{"a"}, ""}, {7, "cnf"}} {
		_, err := v.Verify(t.Context(), issuer.Mint(bearertest.Token{Claims: map[string]any{"cnf": map[string]any{"roles": tt.roles}}}))
		if e, _ := errors.AsType[*bearer.Error](err); (err == nil) != (tt.check == "") || e != nil && e.Check != tt.check {
			t.Errorf("%v: %v; want a refusal by %q", tt.roles, err, tt.check)
		}
	}
}

// RFC 8725, Section 3.12: a claim that marks another kind of token refuses the
// token even if it is malformed, and even if the roles are read from it.
func TestRolesDoNotHideTheKind(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	for _, claim := range []string{"nonce", "events"} {
		v := trusting(t, issuer, func(i *jwks.Issuer) {
			i.Profile = jwks.Profile{Types: []string{"JWT"}, Roles: []string{"/" + claim + "/roles"}}
		})
		_, err := v.Verify(t.Context(), issuer.Mint(bearertest.Token{Header: typedJWT, Claims: map[string]any{claim: "x"}}))
		if e, _ := errors.AsType[*bearer.Error](err); e == nil || e.Check != "kind" {
			t.Errorf("%s: %v", claim, err)
		}
	}
}

// New reports all mistakes in Roles.
func TestRolesMistakes(t *testing.T) {
	p := jwks.Keycloak()
	p.Roles = append(p.Roles, "resource_access/orders/roles", "/resource_access/{client}/roles", "https://example.com/roles")
	_, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: "https://login.example.com", Profile: p}}})
	for _, want := range []string{
		`Profile.Roles[1] "resource_access/orders/roles" is not a JSON pointer; want "/resource_access/orders/roles"`,
		`Profile.Roles[2] "/resource_access/{client}/roles" contains the placeholder "{client}"`,
		`Profile.Roles[3] "https://example.com/roles" has unescaped slashes; for the claim of this name, write "/https:~1~1example.com~1roles"`,
		"Audience is empty",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
}

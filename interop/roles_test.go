package interop_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// roleRoutes are routes of every API, each with the requirement that it tests.
var roleRoutes = map[string]bearer.Requirement{
	"GET /admin":   bearer.Role("admin"),
	"GET /staff":   bearer.AnyRole("support", "admin"),
	"GET /reports": bearer.AnyOf(bearer.Scope(scope.All("reports")), bearer.Role("admin")),
}

// isAdmin requires 200 on each of roleRoutes, and exactly the given roles.
func (a *api) isAdmin(t *testing.T, token string, roles ...string) {
	t.Helper()
	for _, path := range []string{"/admin", "/staff", "/reports"} {
		if got := a.accepts(t, path, token).Roles; !slices.Equal(got, roles) {
			t.Errorf("GET %s: roles %q; want %q (claims %s)", path, got, roles, claimsOf(token))
		}
	}
}

// lacksRoles requires 403 on each of roleRoutes. A client cannot request a role, so
// only the alternative scope is in a challenge.
func (a *api) lacksRoles(t *testing.T, token string) {
	t.Helper()
	a.accepts(t, "/me", token)
	scopeWanted := challengePrefix + `, error="insufficient_scope", ` +
		`error_description="The access token lacks a scope that the request needs.", scope="reports"`
	for path, challenge := range map[string]string{"/admin": "", "/staff": "", "/reports": scopeWanted} {
		if got := a.get(t, path, token); got.status != http.StatusForbidden || got.challenge != challenge {
			t.Errorf("GET %s: %d %s; want 403 %s (claims %s)", path, got.status, got.challenge, challenge, claimsOf(token))
		}
	}
}

const (
	zitadelRolesClaim = "urn:zitadel:iam:org:project:roles"
	zitadelRoleScope  = "urn:zitadel:iam:org:project:role:"
)

// zitadelRoles returns the claim that Zitadel adds for the role scopes: an object
// whose names are the roles, with the organizations that grant them.
func zitadelRoles(scopes []string) map[string]any {
	roles := map[string]any{}
	for _, s := range scopes {
		if role, ok := strings.CutPrefix(s, zitadelRoleScope); ok {
			roles[role] = map[string]string{"165461784": "acme.example.com"}
		}
	}
	if len(roles) == 0 {
		return map[string]any{}
	}
	return map[string]any{zitadelRolesClaim: roles}
}

func TestZitadelRoles(t *testing.T) {
	t.Parallel()
	o := newZitadelOP(t, "", "")
	o.store.setSendAud()
	profile := jwks.Zitadel()
	a := zitadelAPI(t, o, profile)
	admin := zitadelScope + " " + zitadelRoleScope + "admin " + zitadelRoleScope + "sales"
	a.isAdmin(t, o.codeFlow(t, zitadelNative, admin).Access, "admin", "sales")
	a.lacksRoles(t, o.codeFlow(t, zitadelNative, zitadelScope+" "+zitadelRoleScope+"sales").Access)
	a.lacksRoles(t, o.codeFlow(t, zitadelNative, zitadelScope).Access)
	// The default, /roles, does not read this claim.
	withoutRoles := profile
	withoutRoles.Roles = nil
	zitadelAPI(t, o, withoutRoles).lacksRoles(t, o.codeFlow(t, zitadelNative, admin).Access)

	c := zitadelAsks(o, zitadelOpaque)
	c.Roles = jwks.Zitadel().Roles
	asked := newOpaqueAPI(t, c)
	asked.isAdmin(t, o.codeFlow(t, zitadelOpaque, admin).Access, "admin", "sales")
	asked.lacksRoles(t, o.codeFlow(t, zitadelOpaque, zitadelScope).Access)
}

func TestNodeRoles(t *testing.T) {
	t.Parallel()
	o := sharedNodeOP(t)
	jwt := o.codeFlow(t, nodeNative("ES256"), "ES256", "openid orders:read").Access
	opaque := o.codeFlow(t, nodeNative("ES256"), nodeOpaque, "openid orders:read").Access
	both := []string{"/roles", "/groups"}
	for _, tt := range []struct {
		name     string
		pointers []string // nil: the default, /roles
		roles    []string
	}{
		{"roles", nil, []string{"admin"}},
		{"roles and groups", both, []string{"admin", "sales", "staff"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := nodeAPI(t, o, jwks.Profile{Roles: tt.pointers})
			a.isAdmin(t, jwt, tt.roles...)
			a.lacksRoles(t, o.clientCredentials(t, "ES256", "orders:read", nil).Access)
			c := nodeAsks(o)
			c.Roles = tt.pointers
			asked := newOpaqueAPI(t, c)
			asked.isAdmin(t, opaque, tt.roles...)
			asked.lacksRoles(t, o.clientCredentials(t, nodeOpaque, "orders:read", nil).Access)
		})
	}
	nodeAPI(t, o, jwks.Profile{Roles: []string{"/groups"}}).lacksRoles(t, jwt)
}

// The claims that the user of the library adds are in ext, as Hydra has them.
func TestFositeRoles(t *testing.T) {
	t.Parallel()
	jwts, opaque := newFosite(t, true, false), newFosite(t, false, false)
	a := fositeJWTs(t, jwts, fositeAudience)
	a.isAdmin(t, jwts.codeFlow(t, "openid orders:read").Access, "admin")
	a.lacksRoles(t, jwts.clientCredentials(t, fositeMachine, fositeAudience, "orders:read"))
	c := fositeAsks(opaque)
	c.Roles = jwks.Hydra().Roles
	asked := newOpaqueAPI(t, c)
	token := opaque.codeFlow(t, "openid orders:read").Access
	asked.isAdmin(t, token, "admin")
	asked.lacksRoles(t, opaque.clientCredentials(t, fositeMachine, fositeAudience, "orders:read"))
	newOpaqueAPI(t, fositeAsks(opaque)).lacksRoles(t, token) // the default is /roles
}

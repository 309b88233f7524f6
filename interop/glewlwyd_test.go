package interop_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
)

func glewlwydAPI(t *testing.T, issuer string, profile jwks.Profile) *api {
	t.Helper()
	return newAPI(t, jwks.Config{
		Issuers: []jwks.Issuer{{URL: issuer, Audience: []string{glewlwydResource, glewlwydClient.id}, Profile: profile}},
		Leeway:  -1,
	})
}

// Glewlwyd's access tokens follow RFC 9068, so the default profile accepts them too.
func TestGlewlwyd(t *testing.T) {
	t.Parallel()
	g, stranger := newGlewlwyd(t), newGlewlwyd(t)
	machine := g.clientCredentials(t, g.issuer, glewlwydResource, "orders:read")
	user := g.codeFlow(t, "alice", "openid orders:read")
	refreshed := glewlwydClient.requestTokens(t, g.issuer+"/token", url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {user.Refresh},
	}, nil)
	bob := g.codeFlow(t, "bob", "openid orders:read").Access
	elsewhere := g.clientCredentials(t, g.issuer, glewlwydResource+"/other", "orders:read")
	noResource := g.clientCredentials(t, g.issuer, "", "orders:read")
	t.Logf("%v %v %v", headerOf(user.Access), claimsOf(user.Access), claimsOf(user.ID))
	for name, profile := range map[string]jwks.Profile{"RFC 9068": {}, "Glewlwyd": jwks.Glewlwyd()} {
		t.Run(name, func(t *testing.T) {
			a := glewlwydAPI(t, g.issuer, profile)
			got := a.accepts(t, "/orders", machine)
			if got.Issuer != g.issuer || got.Subject != "machine" || got.ClientID != "machine" || !got.Client || got.Scopes != "orders:read" {
				t.Errorf("principal %+v", got)
			}
			for _, token := range []string{user.Access, refreshed.Access} {
				if got := a.accepts(t, "/orders", token); got.Subject == "" || got.ClientID != "machine" || got.Client {
					t.Errorf("principal %+v", got)
				}
			}
			a.wantsScope(t, g.clientCredentials(t, g.issuer, glewlwydResource, "orders:write"))
			a.refuses(t, altered(machine), "signature")
			a.refuses(t, elsewhere, "aud")
			a.refuses(t, noResource, "aud") // its aud is the list of scopes
			a.refuses(t, stranger.clientCredentials(t, stranger.issuer, glewlwydResource, "orders:read"), "iss")
			a.refuses(t, user.Refresh, "form")
			a.refuses(t, user.ID, "typ")
			a.isAdmin(t, user.Access, "admin")
			a.lacksRoles(t, machine)
			a.lacksRoles(t, bob) // the claim is "admin,sales", which is no role
		})
	}
	if roles := claimsOf(bob)["roles"]; roles != "admin,sales" {
		t.Errorf("the roles of a user with two are %v; want one string", roles)
	}
	if aud := claimsOf(noResource)["aud"]; aud != "orders:read" {
		t.Errorf("without a resource, aud is %v; want the scopes", aud)
	}
	t.Run("introspection", func(t *testing.T) { glewlwydIntrospection(t, g, machine, user) })
	t.Run("an expired token", func(t *testing.T) {
		a := glewlwydAPI(t, g.brief, jwks.Profile{})
		a.awaitReady(t, 3*time.Second)
		token := g.clientCredentials(t, g.brief, glewlwydResource, "orders:read")
		a.accepts(t, "/orders", token)
		a.expires(t, token)
		a.refuses(t, token, "exp")
	})
}

// The server calls a refresh token inactive because the request says that it is
// about an access token (token_type_hint).
func glewlwydIntrospection(t *testing.T, g *glewlwyd, machine string, user tokens) {
	c := introspect.Config{
		Issuer:   g.issuer,
		Auth:     introspect.ClientSecretBasic(glewlwydClient.id, glewlwydClient.secret),
		Audience: []string{glewlwydResource, glewlwydClient.id},
		JWTs:     true, MaxAge: -1,
	}
	a := newOpaqueAPI(t, c)
	if got := a.accepts(t, "/orders", machine); got.Subject != "" || got.ClientID != "machine" || !got.Client {
		t.Errorf("principal %+v; want a client without sub", got)
	}
	if got := a.accepts(t, "/orders", user.Access); got.Subject == "" || got.ClientID != "machine" || got.Client {
		t.Errorf("principal %+v", got)
	}
	a.wantsScope(t, g.clientCredentials(t, g.issuer, glewlwydResource, "orders:write"))
	a.refuses(t, g.codeFlow(t, "alice", "openid orders:read").Refresh, "active")
	a.refuses(t, user.ID, "active")
	a.refuses(t, altered(machine), "active")
	a.refuses(t, g.clientCredentials(t, g.issuer, glewlwydResource+"/other", "orders:read"), "aud")
	glewlwydClient.revoke(t, g.issuer+"/revoke", machine)
	a.refuses(t, machine, "active")
	glewlwydAPI(t, g.issuer, jwks.Profile{}).accepts(t, "/orders", machine) // a signature does not show a revocation

	c.Auth = introspect.ClientSecretBasic(glewlwydClient.id, "another-secret")
	newOpaqueAPI(t, c).refusesOurs(t, user.Access, "another-secret")
}

package interop_test

import (
	"crypto/rand"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
)

func (s *fositeServer) clientCredentials(t *testing.T, c oauthClient, audience, scope string) string {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {scope}, "audience": {audience}}
	return c.requestTokens(t, s.issuer+"/token", form, nil).Access
}

func (s *fositeServer) codeFlow(t *testing.T, scope string) tokens {
	t.Helper()
	params := url.Values{"scope": {scope}, "nonce": {rand.Text()}, "audience": {fositeAudience}}
	return fositeWeb.codeFlow(t, s.issuer+"/auth", s.issuer+"/token", params, nil)
}

func (s *fositeServer) refresh(t *testing.T, token string) tokens {
	t.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	return fositeWeb.requestTokens(t, s.issuer+"/token", form, nil)
}

func fositeJWTs(t *testing.T, s *fositeServer, audience ...string) *api {
	t.Helper()
	return newAPI(t, jwks.Config{
		Issuers: []jwks.Issuer{{URL: s.issuer, Audience: audience, Profile: jwks.Hydra()}},
		Leeway:  -1,
	})
}

func TestFositeJWTs(t *testing.T) {
	t.Parallel()
	s := newFosite(t, true, false)
	a := fositeJWTs(t, s, fositeAudience, fositeWeb.id)
	machine := s.clientCredentials(t, fositeMachine, fositeAudience, "orders:read")
	user := s.codeFlow(t, "openid offline orders:read")
	refreshed := s.refresh(t, user.Refresh)
	t.Logf("%v %v %v", headerOf(user.Access), claimsOf(user.Access), claimsOf(user.ID))
	for _, tt := range []struct {
		name, token string
		want        principal
	}{
		{"client credentials", machine, principal{Subject: "machine", ClientID: "machine", Scopes: "orders:read", Client: true}},
		{"authorization code with PKCE", user.Access, principal{Subject: "alice", ClientID: "web", Scopes: "offline openid orders:read"}},
		{"refresh", refreshed.Access, principal{Subject: "alice", ClientID: "web", Scopes: "offline openid orders:read"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := a.accepts(t, "/orders", tt.token)
			if got.Issuer != s.issuer || got.Subject != tt.want.Subject || got.ClientID != tt.want.ClientID ||
				got.Scopes != tt.want.Scopes || got.Client != tt.want.Client || !slices.Equal(got.Audience, []string{fositeAudience}) {
				t.Errorf("principal %+v; want %+v", got, tt.want)
			}
		})
	}
	a.wantsScope(t, s.clientCredentials(t, fositeMachine, fositeAudience, "orders:write"))
	stranger := newFosite(t, true, false)
	for _, tt := range []struct{ name, token, check string }{
		{"an altered signature", altered(machine), "signature"},
		{"another audience", s.clientCredentials(t, fositeMachine, fositeAudience+"/other", "orders:read"), "aud"},
		{"no audience", s.clientCredentials(t, fositeMachine, "", "orders:read"), "aud"},
		{"another server", stranger.clientCredentials(t, fositeMachine, fositeAudience, "orders:read"), "iss"},
		{"the refresh token", refreshed.Refresh, "form"},
		{"the ID token, whose audience is accepted", user.ID, "kind"},
	} {
		t.Run(tt.name, func(t *testing.T) { a.refuses(t, tt.token, tt.check) })
	}
}

func TestFositeExpires(t *testing.T) {
	t.Parallel()
	s := newFosite(t, true, false)
	opaque := newFosite(t, false, false)
	a, o := fositeJWTs(t, s, fositeAudience), newOpaqueAPI(t, fositeAsks(opaque))
	a.awaitReady(t, 3*time.Second)
	expiring := s.clientCredentials(t, fositeBrief, fositeAudience, "orders:read")
	unknown := opaque.clientCredentials(t, fositeBrief, fositeAudience, "orders:read")
	a.accepts(t, "/orders", expiring)
	o.accepts(t, "/orders", unknown)
	a.expires(t, expiring)
	a.refuses(t, expiring, "exp")
	o.expires(t, unknown)
}

func fositeAsks(s *fositeServer) introspect.Config {
	return introspect.Config{
		Issuer:   s.issuer,
		Auth:     introspect.ClientSecretBasic(fositeAPI.id, fositeAPI.secret),
		Audience: []string{fositeAudience},
		Leeway:   -1,
	}
}

func TestFositeIntrospection(t *testing.T) {
	t.Parallel()
	s := newFosite(t, false, true)
	a := newOpaqueAPI(t, fositeAsks(s))
	machine := s.clientCredentials(t, fositeMachine, fositeAudience, "orders:read")
	user := s.codeFlow(t, "openid offline orders:read")
	if got := a.accepts(t, "/orders", machine); got.Issuer != s.issuer || got.Subject != "machine" || got.ClientID != "machine" || !got.Client {
		t.Errorf("principal %+v", got)
	}
	if got := a.accepts(t, "/orders", user.Access); got.Subject != "alice" || got.ClientID != "web" || got.Client {
		t.Errorf("principal %+v", got)
	}
	a.wantsScope(t, s.clientCredentials(t, fositeMachine, fositeAudience, "orders:write"))
	for _, tt := range []struct{ name, token, check string }{
		{"altered", altered(machine), "active"},
		{"another audience", s.clientCredentials(t, fositeMachine, fositeAudience+"/other", "orders:read"), "aud"},
		{"no audience", s.clientCredentials(t, fositeMachine, "", "orders:read"), "aud"},
		{"the refresh token", user.Refresh, "active"},
		{"the ID token", user.ID, "form"},
	} {
		t.Run(tt.name, func(t *testing.T) { a.refuses(t, tt.token, tt.check) })
	}
	fositeMachine.revoke(t, s.issuer+"/revoke", machine)
	a.accepts(t, "/orders", machine) // the answer is still cached
	if err := a.opaque.Forget(t.Context(), machine); err != nil {
		t.Fatal(err)
	}
	a.refuses(t, machine, "active")

	c := fositeAsks(s)
	c.Auth = introspect.ClientSecretBasic(fositeAPI.id, "another-secret")
	newOpaqueAPI(t, c).refusesOurs(t, user.Access, "another-secret")
}

// By default, fosite calls refresh tokens active, and its answer does not tell them
// from access tokens. The prefix does: Accept refuses them at the API.
// TestFositeIntrospection shows the setting at the server.
func TestFositeRefreshTokenIsActive(t *testing.T) {
	t.Parallel()
	s := newFosite(t, false, false)
	user := s.codeFlow(t, "openid offline orders:read")
	newOpaqueAPI(t, fositeAsks(s)).accepts(t, "/orders", user.Refresh)
	c := fositeAsks(s)
	c.Accept = func(token string) bool { return strings.HasPrefix(token, "ory_at_") }
	a := newOpaqueAPI(t, c)
	a.refuses(t, user.Refresh, "form")
	a.accepts(t, "/orders", user.Access)
}

// The server's introspection endpoint also knows its JWTs, so a revoked JWT is
// refused at once.
func TestFositeJWTsAskedAbout(t *testing.T) {
	t.Parallel()
	s := newFosite(t, true, true)
	c := fositeAsks(s)
	c.JWTs, c.MaxAge = true, -1
	asked, plain := newOpaqueAPI(t, c), fositeJWTs(t, s, fositeAudience)
	token := s.clientCredentials(t, fositeMachine, fositeAudience, "orders:read")
	asked.accepts(t, "/orders", token)
	plain.accepts(t, "/orders", token)
	fositeMachine.revoke(t, s.issuer+"/revoke", token)
	asked.refuses(t, token, "active")
	plain.accepts(t, "/orders", token) // a signature does not show a revocation
}

package interop_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/jwks"
)

const (
	idTokenType     = "urn:ietf:params:oauth:token-type:id_token"
	accessTokenType = "urn:ietf:params:oauth:token-type:access_token"
)

// permissiveProfile accepts nearly any JWT as an access token.
func permissiveProfile() jwks.Profile {
	return jwks.Profile{
		Types:    []string{"", "JWT", "at+jwt"},
		ClientID: []string{"client_id", "azp", "cid", "appid"},
		Scope:    []string{"scope", "scp"},
		Required: []string{},
	}
}

// zitadelAPI returns an API whose audiences are the client IDs of the example OP, so
// that ID tokens have an accepted audience too.
func zitadelAPI(t *testing.T, o *zitadelOP, profile jwks.Profile, audience ...string) *api {
	t.Helper()
	if audience == nil {
		audience = []string{zitadelNative.id, zitadelWeb.id, zitadelOpaque.id, zitadelM2M.id, o.issuer}
	}
	return newAPI(t, jwks.Config{Issuers: []jwks.Issuer{{URL: o.issuer, Audience: audience, Profile: profile}}})
}

func TestZitadelAccepted(t *testing.T) {
	t.Parallel()
	o := newZitadelOP(t, "", "")
	a := zitadelAPI(t, o, jwks.Zitadel())
	user := o.codeFlow(t, zitadelNative, "openid profile orders:read offline_access")
	tests := []struct {
		name  string
		token string
		want  principal
	}{
		{"client credentials", o.clientCredentials(t, "orders:read").Access, principal{
			Subject: "sid1", ClientID: "sid1", Audience: []string{"sid1"}, Scopes: "orders:read", Client: true,
		}},
		{"JWT profile", o.jwtProfile(t, "orders:read").Access, principal{
			Subject: zitadelService, ClientID: zitadelService, Audience: []string{o.issuer}, Scopes: "orders:read", Client: true,
		}},
		{"authorization code with PKCE", user.Access, principal{
			Subject: "id1", ClientID: "native", Audience: []string{"native"}, Scopes: "offline_access openid orders:read",
		}},
		{"refresh", o.refresh(t, zitadelNative, user.Refresh).Access, principal{
			Subject: "id1", ClientID: "native", Audience: []string{"native"}, Scopes: "offline_access openid orders:read",
		}},
		{"authorization code of a confidential client", o.codeFlow(t, zitadelWeb, "openid orders:read").Access, principal{
			Subject: "id1", ClientID: "web", Audience: []string{"web"}, Scopes: "openid orders:read",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Logf("%v %v", headerOf(tt.token), claimsOf(tt.token))
			if typ := headerOf(tt.token)["typ"]; typ != "JWT" {
				t.Errorf("typ is %v; want JWT, as jwks.Zitadel expects", typ)
			}
			want := []string{"aud", "client_id", "exp", "iat", "iss", "jti", "nbf", "scope", "sub"}
			if got := claimsOf(tt.token).names(); !slices.Equal(got, want) {
				t.Errorf("claims %v; want %v, as jwks.Zitadel expects", got, want)
			}
			got := a.accepts(t, "/orders", tt.token)
			tt.want.Issuer = o.issuer
			if got.Issuer != tt.want.Issuer || got.Subject != tt.want.Subject || got.ClientID != tt.want.ClientID ||
				!slices.Equal(got.Audience, tt.want.Audience) || got.Scopes != tt.want.Scopes || got.Client != tt.want.Client {
				t.Errorf("principal %+v; want %+v", got, tt.want)
			}
		})
	}
}

func TestZitadelUnderDefaultProfile(t *testing.T) {
	t.Parallel()
	o := newZitadelOP(t, "", "")
	a := zitadelAPI(t, o, jwks.Profile{})
	event := a.refuses(t, o.clientCredentials(t, "orders:read").Access, "typ")
	if !strings.Contains(event.Expected, "at+jwt") || !strings.Contains(event.Hint, "set jwks.Issuer.Profile") || event.Got != `"JWT"` {
		t.Errorf("expected %q, got %q; want the types and the field to set", event.Expected, event.Got)
	}
	if log := a.logged(); !strings.Contains(log, "set jwks.Issuer.Profile") {
		t.Errorf("the log does not name the field to set: %s", log)
	}
}

func TestZitadelScope(t *testing.T) {
	t.Parallel()
	o := newZitadelOP(t, "", "")
	a := zitadelAPI(t, o, jwks.Zitadel())
	tests := []struct{ name, token string }{
		{"another scope", o.clientCredentials(t, "orders:write").Access},
		{"a longer scope", o.clientCredentials(t, "orders:readall").Access},
		{"no scope claim", o.clientCredentials(t, "").Access},
		{"OpenID scopes", o.codeFlow(t, zitadelNative, "openid profile").Access},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { a.wantsScope(t, tt.token) })
	}
}

func TestZitadelRefused(t *testing.T) {
	t.Parallel()
	o := newZitadelOP(t, "", "")
	user := o.codeFlow(t, zitadelNative, "openid orders:read offline_access")
	opaque := o.codeFlow(t, zitadelOpaque, "openid orders:read offline_access")
	for name, token := range map[string]string{"the JWT": user.Access, "the opaque token": opaque.Access} {
		if status := o.userinfo(t, token); status != 200 {
			t.Errorf("%s at the OP's own userinfo endpoint: %d; want 200; otherwise the token is not live", name, status)
		}
	}
	a := zitadelAPI(t, o, jwks.Zitadel())
	elsewhere := zitadelAPI(t, o, jwks.Zitadel(), "https://api.example.com", "nativ", "native2")
	genuine := o.clientCredentials(t, "orders:read").Access
	o.store.setLifetime(-time.Minute)
	expired := o.clientCredentials(t, "orders:read").Access
	expiredUser := o.codeFlow(t, zitadelNative, "openid orders:read").Access
	o.store.setLifetime(0)

	kid, _ := headerOf(genuine)["kid"].(string)
	impostor := newZitadelOP(t, o.issuer, "")
	samekid := newZitadelOP(t, o.issuer, "", newZitadelKey(t, kid, "RS256"))
	stranger := newZitadelOP(t, "", "")

	tests := []struct {
		name  string
		api   *api
		token string
		check string
	}{
		{"an audience elsewhere", elsewhere, user.Access, "aud"},
		{"expired, client credentials", a, expired, "exp"},
		{"expired, authorization code", a, expiredUser, "exp"},
		{"a refresh token", a, user.Refresh, "form"},
		{"a refresh token of another client", a, opaque.Refresh, "form"},
		{"an opaque access token, which is a JWE", a, opaque.Access, "form"},
		{"a client's assertion", a, o.assertion(t), "iss"},
		{"another OP with the same issuer and other keys", a, impostor.clientCredentials(t, "orders:read").Access, "kid"},
		{"another OP with the same issuer, kid and other keys", a, samekid.clientCredentials(t, "orders:read").Access, "signature"},
		{"another OP with its own issuer", a, stranger.clientCredentials(t, "orders:read").Access, "iss"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			event := tt.api.refuses(t, tt.token, tt.check)
			proven := tt.check == "aud" || tt.check == "exp"
			if (event.Subject != "") != proven {
				t.Errorf("the event names the subject %q; want one exactly if the signature holds", event.Subject)
			}
		})
	}
	a.accepts(t, "/orders", genuine) // still
}

func TestZitadelExpires(t *testing.T) {
	t.Parallel()
	o := newZitadelOP(t, "", "")
	o.store.setLifetime(2 * time.Second) // exp is in whole seconds
	a := newAPI(t, jwks.Config{
		Issuers: []jwks.Issuer{{URL: o.issuer, Audience: []string{"sid1"}, Profile: jwks.Zitadel()}},
		Leeway:  -1,
	})
	a.awaitReady(t, 3*time.Second)
	token := o.clientCredentials(t, "orders:read").Access
	a.accepts(t, "/orders", token)
	eventually(t, 5*time.Second, "the token is refused", func() bool { return a.get(t, "/orders", token).status != 200 })
	a.refuses(t, token, "exp")
}

// The OP's ID tokens have the same typ, iss, aud, sub, client_id, azp, exp and iat
// as its access tokens. They differ by at_hash and c_hash in the code flow, and by
// at_hash after a refresh. After a token exchange, or without a nonce, they differ
// only by the missing jti.
func TestZitadelIDTokens(t *testing.T) {
	t.Parallel()
	o := newZitadelOP(t, "", "")
	user := o.codeFlow(t, zitadelNative, "openid orders:read offline_access")
	web := o.codeFlow(t, zitadelWeb, "openid orders:read")
	a := zitadelAPI(t, o, jwks.Zitadel())
	for _, token := range []string{user.Access, web.Access, o.exchange(t, zitadelWeb, web.Access, accessTokenType).Access} {
		a.accepts(t, "/me", token)
	}

	idTokens := []struct {
		name, token string
	}{
		{"code flow", user.ID},
		{"code flow, confidential client", web.ID},
		{"refresh", o.refresh(t, zitadelNative, user.Refresh).ID},
		{"implicit flow without a nonce", o.implicit(t, zitadelWeb, "openid")},
		{"token exchange", o.exchange(t, zitadelWeb, web.Access, idTokenType).Access},
	}
	profiles := []struct {
		name    string
		profile jwks.Profile
		checks  []string
	}{
		{"RFC 9068", jwks.Profile{}, []string{"typ"}},
		{"zitadel", jwks.Zitadel(), []string{"kind", "claims"}},
		{"permissive", permissiveProfile(), []string{"kind"}},
		{"Keycloak", jwks.Keycloak(), []string{"kind"}},
		{"EntraID", jwks.EntraID(), []string{"kind", "claims"}},
		{"Okta", jwks.Okta(), []string{"kind", "claims"}},
		{"Auth0", jwks.Auth0(), []string{"kind"}},
		{"Cognito", jwks.Cognito(), []string{"kind"}},
	}
	for _, p := range profiles {
		a := zitadelAPI(t, o, p.profile)
		for _, id := range idTokens {
			t.Run(p.name+"/"+id.name, func(t *testing.T) {
				got := a.get(t, "/me", id.token)
				if got.status != 401 || !slices.Contains(p.checks, got.event.Check) {
					t.Errorf("%d, check %q (expected %q, got %q); want 401 by one of %v",
						got.status, got.event.Check, got.event.Expected, got.event.Got, p.checks)
				}
				if got := a.get(t, "/orders", id.token); got.status != 401 {
					t.Errorf("GET /orders: %d; want 401", got.status)
				}
			})
		}
	}
}

func TestZitadelIssuerWithSlash(t *testing.T) {
	t.Parallel()
	o := newZitadelOP(t, "", "/")
	token := o.clientCredentials(t, "orders:read").Access
	zitadelAPI(t, o, jwks.Zitadel()).accepts(t, "/orders", token)

	without := strings.TrimSuffix(o.issuer, "/")
	a := newAPI(t, jwks.Config{Issuers: []jwks.Issuer{{URL: without, Audience: []string{"sid1"}, Profile: jwks.Zitadel()}}})
	eventually(t, 3*time.Second, "Ready says which issuer the metadata is of", func() bool {
		err := a.verifier.Ready()
		return err != nil && strings.Contains(err.Error(), `"`+o.issuer+`", want "`+without+`"`)
	})
	a.refuses(t, token, "iss")
}

package jwks_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
)

// Reports L14, C-4.15: IsClient is true for the tokens that each issuer gives a
// client for itself, with the claims that the issuer's documentation shows, and
// false for users' tokens.
func TestIsClient(t *testing.T) {
	const (
		account = "b6cc7aa0-1af0-460e-9174-e05c881fb6d4"
		user    = "fc394b32-9ff7-485d-82f3-7db6824c8cb5"
		client  = "OOZH6s5sgOORoVKBMNRu0xRd4I3dl5T7"
	)
	type claims map[string]any
	type token struct {
		name   string
		header map[string]any
		claims claims
		want   bool
	}
	tests := []struct {
		name    string
		profile jwks.Profile
		shared  claims
		tokens  []token
	}{
		{"RFC 9068", jwks.Profile{}, claims{"client_id": "app", "jti": "1"}, []token{
			{name: "client", claims: claims{"sub": "app"}, want: true},
			{name: "user", claims: claims{"sub": user}},
		}},
		{"nothing required", jwks.Profile{Required: []string{}}, claims{"client_id": "app"}, []token{
			{name: "no sub", claims: claims{"sub": nil}, want: true},
			{name: "sub that is null", claims: claims{"sub": null}, want: true},
			{name: "sub that is malformed", claims: claims{"sub": 7}},
		}},
		{"Keycloak", jwks.Keycloak(), claims{"typ": "Bearer", "azp": "worker", "jti": "1", "scope": "email profile"}, []token{
			{name: "service account", claims: claims{
				"sub": account, "preferred_username": "service-account-worker", "client_id": "worker",
				"clientHost": "192.0.2.1", "clientAddress": "192.0.2.1",
			}, want: true},
			{name: "service account with the older claim", claims: claims{
				"sub": account, "preferred_username": "service-account-worker", "clientId": "worker",
			}, want: true},
			{name: "service account, RFC 9068 type", header: map[string]any{"typ": "at+jwt"}, claims: claims{
				"sub": account, "preferred_username": "service-account-worker", "client_id": "worker",
			}, want: true},
			{name: "user", claims: claims{"sub": user, "preferred_username": "jason"}},
			{name: "user who chose a service account's name", claims: claims{"sub": user, "preferred_username": "service-account-worker"}},
			{name: "user of a client with a mapper for client_id", claims: claims{"sub": user, "preferred_username": "jason", "client_id": "worker"}},
			{name: "user without sub, of a client without the scope basic", claims: claims{"sub": nil, "preferred_username": "jason"}},
			{name: "user whose sub is the client", claims: claims{"sub": "worker", "preferred_username": "worker"}},
			{name: "name that is malformed", claims: claims{"sub": account, "preferred_username": []string{"service-account-worker"}, "client_id": "worker"}},
		}},
		{"Entra ID", jwks.EntraID(), claims{"ver": "2.0"}, []token{
			{name: "idtyp app, version 1", claims: claims{"sub": account, "oid": account, "appid": client, "idtyp": "app", "ver": "1.0", "roles": []string{"r"}}, want: true},
			{name: "without idtyp", claims: claims{"sub": account, "oid": account, "azp": client, "roles": []string{"r"}}, want: true},
			{name: "user", claims: claims{"sub": "pairwise", "oid": user, "azp": client, "scp": "a"}},
			{name: "user with idtyp", claims: claims{"sub": user, "oid": user, "azp": client, "idtyp": "user"}},
			{name: "user of an external tenant, where oid is sub", claims: claims{"sub": user, "oid": user, "azp": client, "scp": "a"}},
			{name: "user without scopes", claims: claims{"sub": "pairwise", "oid": user, "azp": client, "roles": []string{"r"}}},
			{name: "no oid", claims: claims{"sub": account, "azp": client}},
			{name: "idtyp that is malformed", claims: claims{"sub": account, "oid": account, "azp": client, "idtyp": []string{"app"}}},
		}},
		{"app only, nothing required", jwks.Profile{Client: jwks.MarkAppOnly, Required: []string{}}, claims{"client_id": "app"}, []token{
			{name: "neither sub nor oid", claims: claims{"sub": nil}},
		}},
		{"Okta", jwks.Okta(), claims{"cid": "0oabskvc6442nkvQO0h7", "jti": "AT.1", "scp": []string{"a"}}, []token{
			{name: "client", claims: claims{"sub": "0oabskvc6442nkvQO0h7"}, want: true},
			{name: "user", claims: claims{"sub": "john.doe@example.com", "uid": "00uix0nkwvhzSJ2k90h7"}},
			{name: "neither the client nor uid", claims: claims{"sub": "john.doe@example.com"}},
			{name: "user whose login is the client", claims: claims{"sub": "0oabskvc6442nkvQO0h7", "uid": "00uix0nkwvhzSJ2k90h7"}},
		}},
		{"Auth0", jwks.Auth0(), claims{"azp": client}, []token{
			{name: "machine to machine", claims: claims{"sub": client + "@clients", "gty": "client-credentials"}, want: true},
			{name: "machine to machine, RFC 9068 profile", header: map[string]any{"typ": "at+jwt"}, claims: claims{
				"azp": nil, "client_id": client, "sub": client + "@clients", "jti": "1",
			}, want: true},
			{name: "user", claims: claims{"sub": "auth0|6553da60a54af58e29493993"}},
			{name: "user of a refresh", claims: claims{"sub": "auth0|1", "gty": []string{"refresh_token", "client-credentials"}}},
			{name: "user of a database whose names end in @clients", claims: claims{"sub": "auth0|other@clients"}},
		}},
		{"Cognito", jwks.Cognito(), claims{"client_id": "app", "jti": "1", "token_use": "access"}, []token{
			{name: "client", claims: claims{"sub": "app"}, want: true},
			{name: "user", claims: claims{"sub": user, "username": "jason"}},
			{name: "user whose sub is the client", claims: claims{"sub": "app", "username": "jason"}},
		}},
		{"AD FS, whose clients are never told", jwks.ADFS(), claims{"appid": "app", "ver": "1.0"}, []token{
			{name: "client", claims: claims{"sub": "app"}},
			{name: "user without sub", claims: claims{"sub": nil}},
		}},
		{"RFC 9068 with a mark", jwks.Profile{Client: jwks.MarkGrantType}, claims{"client_id": "app", "jti": "1"}, []token{
			{name: "client", claims: claims{"sub": account, "gty": "client-credentials"}, want: true},
			{name: "user", claims: claims{"sub": "app", "gty": "password"}},
		}},
	}
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	for _, tt := range tests {
		v := trusting(t, issuer, func(i *jwks.Issuer) { i.Profile, i.Audience = tt.profile, []string{audience, "app"} })
		for _, token := range tt.tokens {
			all := map[string]any{}
			maps.Copy(all, tt.shared)
			maps.Copy(all, token.claims)
			header := token.header
			if header == nil && tt.profile.Types != nil {
				header = typedJWT
			}
			minted := shape{header, all}.mint(issuer)
			for _, use := range []string{"first", "second"} {
				p, err := v.Verify(t.Context(), minted)
				if err != nil {
					t.Errorf("%s, %s: %v", tt.name, token.name, err)
				} else if p.IsClient() != token.want {
					t.Errorf("%s, %s, %s use: %t, want %t", tt.name, token.name, use, p.IsClient(), token.want)
				}
			}
		}
	}
}

func TestUnknownClientMark(t *testing.T) {
	_, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{
		URL: "https://issuer.example.com", Audience: []string{audience}, Profile: jwks.Profile{Client: "gty"},
	}}})
	const want = `jwks: Config.Issuers[0]: Profile.Client: "gty"; want one of the constants of type ClientMark`
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

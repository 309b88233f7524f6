package jwks_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// shape is a token as an issuer of some kind signs it. Members that are nil are
// absent.
type shape struct{ header, claims map[string]any }

func (s shape) mint(i *bearertest.Issuer) string {
	claims := map[string]any{"client_id": nil, "jti": nil}
	maps.Copy(claims, s.claims)
	return i.Mint(bearertest.Token{Algorithm: "RS256", Header: s.header, Claims: claims})
}

var untyped, typedJWT = map[string]any{"typ": nil}, map[string]any{"typ": "JWT"}

// C12, J10, J11: each profile accepts its issuer's access tokens, and finds
// client, scopes and audience in their claims.
func TestProfileAccepts(t *testing.T) {
	tests := []struct {
		name     string
		profile  jwks.Profile
		audience string
		token    shape
		client   string
		scopes   scope.Set
	}{
		{
			name: "RFC 9068, application/at+jwt", token: shape{
				map[string]any{"typ": "application/at+jwt"}, map[string]any{"client_id": "c", "jti": "1", "scope": "a b"},
			}, client: "c", scopes: scope.Of("a", "b"),
		},
		{
			name: "RFC 9068, AT+JWT", token: shape{
				map[string]any{"typ": "AT+JWT"}, map[string]any{"client_id": "c", "jti": "1", "scp": []string{"a", "b"}},
			}, client: "c", scopes: scope.Of("a", "b"),
		},
		{
			name: "Keycloak", profile: jwks.Keycloak(), token: shape{
				typedJWT, map[string]any{"typ": "Bearer", "azp": "c", "jti": "1", "scope": "a b", "nonce": "kept by old versions"},
			}, client: "c", scopes: scope.Of("a", "b"),
		},
		{
			name: "Entra ID version 2", profile: jwks.EntraID(), token: shape{
				typedJWT, map[string]any{"azp": "c", "ver": "2.0", "scp": "a b"},
			}, client: "c", scopes: scope.Of("a", "b"),
		},
		{
			name: "Entra ID version 1", profile: jwks.EntraID(), token: shape{
				typedJWT, map[string]any{"appid": "c", "ver": "1.0", "roles": []string{"r"}},
			}, client: "c",
		},
		{
			name: "Okta", profile: jwks.Okta(), token: shape{
				untyped, map[string]any{"cid": "c", "jti": "AT.1", "scp": []string{"a", "b"}},
			}, client: "c", scopes: scope.Of("a", "b"),
		},
		{
			name: "Auth0", profile: jwks.Auth0(), token: shape{
				typedJWT, map[string]any{"azp": "c", "scope": "a b", "aud": []string{audience, "https://x.auth0.com/userinfo"}},
			}, client: "c", scopes: scope.Of("a", "b"),
		},
		{
			name: "Cognito", profile: jwks.Cognito(), audience: "c", token: shape{
				untyped, map[string]any{"client_id": "c", "jti": "1", "token_use": "access", "scope": "a b", "aud": nil},
			}, client: "c", scopes: scope.Of("a", "b"),
		},
		{
			name: "scopes in a claim of another name", profile: jwks.Profile{Scope: []string{"roles"}}, token: shape{
				nil, map[string]any{"client_id": "c", "jti": "1", "roles": []string{"a", "b"}, "scope": "admin"},
			}, client: "c", scopes: scope.Of("a", "b"),
		},
		{
			name: "nothing required but what always is", profile: jwks.Profile{Required: []string{}}, token: shape{
				nil, map[string]any{"client_id": "c", "sub": nil, "iat": nil},
			}, client: "c",
		},
	}
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	for _, tt := range tests {
		if tt.audience == "" {
			tt.audience = audience
		}
		v := trusting(t, issuer, func(i *jwks.Issuer) { i.Profile, i.Audience = tt.profile, []string{tt.audience} })
		p, err := v.Verify(t.Context(), tt.token.mint(issuer))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if p.ClientID != tt.client || p.Scopes != tt.scopes || !p.HasAudience(tt.audience) {
			t.Errorf("%s: client %q, scopes %q, audience %q", tt.name, p.ClientID, p.Scopes, p.Audience())
		}
	}
}

// J11, peers section 3: no profile accepts another kind of JWT from the issuer,
// even one with every claim that the profile requires.
func TestProfileNeverAcceptsOtherKinds(t *testing.T) {
	complete := map[string]any{
		"client_id": "c", "azp": "c", "appid": "c", "cid": "c", "jti": "1", "ver": "2.0",
		"scope": "a", "typ": "Bearer", "token_use": "access",
	}
	with := func(claims map[string]any) map[string]any {
		all := maps.Clone(complete)
		maps.Copy(all, claims)
		return all
	}
	logout := map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}
	kinds := map[string]shape{
		"logout token by typ":           {map[string]any{"typ": "logout+jwt"}, complete},
		"logout token by claim":         {typedJWT, with(map[string]any{"events": logout})},
		"logout token by claim, no typ": {untyped, with(map[string]any{"events": logout})},
		"DPoP proof by typ":             {map[string]any{"typ": "dpop+jwt"}, complete},
		"DPoP proof by claims":          {typedJWT, with(map[string]any{"htm": "GET", "htu": "https://api.example.com/"})},
		"introspection response":        {map[string]any{"typ": "token-introspection+jwt"}, complete},
		"introspection by claim":        {typedJWT, with(map[string]any{"token_introspection": map[string]any{"active": true}})},
		"security event by typ":         {map[string]any{"typ": "secevent+jwt"}, complete},
		"client assertion by typ":       {map[string]any{"typ": "client-authentication+jwt"}, complete},
		"authorization request":         {map[string]any{"typ": "oauth-authz-req+jwt"}, complete},
	}
	// An ID token has the claims of OpenID Connect Core, Section 2. It is
	// recognized by the claims that only ID tokens have, or by the claim Kind.
	idTokens := map[string]shape{
		"ID token with nonce":          {typedJWT, map[string]any{"azp": "c", "nonce": "n", "typ": "ID", "token_use": "id"}},
		"ID token with at_hash":        {untyped, map[string]any{"azp": "c", "at_hash": "h", "typ": "ID", "token_use": "id"}},
		"ID token with c_hash":         {typedJWT, map[string]any{"azp": "c", "c_hash": "h", "typ": "ID", "token_use": "id"}},
		"ID token of a token exchange": {typedJWT, map[string]any{"azp": "c", "aud": "c", "typ": "ID", "token_use": "id"}},
		"ID token of the bare minimum": {typedJWT, map[string]any{"typ": "ID", "token_use": "id"}},
	}
	profiles := map[string]jwks.Profile{
		"RFC 9068": {}, "Keycloak": jwks.Keycloak(), "Entra ID": jwks.EntraID(), "Okta": jwks.Okta(),
		"Auth0": jwks.Auth0(), "Cognito": jwks.Cognito(),
		"anything": {Types: []string{"", "JWT", "at+jwt"}, Required: []string{}},
	}
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	for name, profile := range profiles {
		v := trusting(t, issuer, func(i *jwks.Issuer) { i.Profile, i.Audience = profile, []string{audience, "c"} })
		for _, group := range []map[string]shape{kinds, idTokens} {
			for kind, token := range group {
				if p, err := v.Verify(t.Context(), token.mint(issuer)); err == nil {
					t.Errorf("profile %s: %s is accepted: %+v", name, kind, p)
				}
			}
		}
		assertion := shape{typedJWT, with(map[string]any{"sub": issuer.URL()})}
		if _, err := v.Verify(t.Context(), assertion.mint(issuer)); err == nil {
			t.Errorf("profile %s: a client assertion is accepted", name)
		}
	}
}

// RFC 9068, Section 2.1; RFC 8725, Section 3.11: a token of type at+jwt is an
// access token, whatever claims it has. Of any other type, the same token is not,
// unless the claim Kind says so.
func TestTypeOrKindIdentifiesAccessTokens(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	byType := jwks.Profile{Required: []string{}}
	untold := jwks.Profile{Types: []string{"JWT", "at+jwt"}, Required: []string{}}
	byKind := jwks.Profile{Types: []string{"JWT"}, Required: []string{}, Kind: "iss", Kinds: []string{issuer.URL()}}
	wrongKind := jwks.Profile{Types: []string{"JWT"}, Required: []string{}, Kind: "iss", Kinds: []string{"other"}}
	at := map[string]any{"typ": "at+jwt"}
	for _, tt := range []struct {
		name                 string
		claims               map[string]any
		byType, byKind, told bool // accepted by the type, by the claim Kind, without either
	}{
		{"plain", nil, true, true, true},
		{"nonce", members{"nonce": "n"}, true, true, false},
		{"at_hash", members{"at_hash": "h"}, true, true, false},
		{"its client is its audience", members{"client_id": audience}, true, true, false},
		{"its client is its audience, with jti", members{"client_id": audience, "jti": "1"}, true, true, true},
		{"its client is its audience, with scope", members{"client_id": audience, "scope": "a"}, true, true, true},
		{"its subject is its issuer", members{"sub": issuer.URL()}, true, false, false},
		{"events", members{"events": logoutEvents}, true, false, false},
		{"htm", members{"htm": "GET"}, true, false, false},
	} {
		claims := map[string]any{"client_id": "c", "scope": nil}
		maps.Copy(claims, tt.claims)
		for _, by := range []struct {
			name    string
			profile jwks.Profile
			header  map[string]any
			accept  bool
		}{{"type", byType, at, tt.byType}, {"kind", byKind, typedJWT, tt.byKind}, {"neither", untold, typedJWT, tt.told}, {"another kind", wrongKind, typedJWT, false}} {
			v := trusting(t, issuer, func(i *jwks.Issuer) { i.Profile = by.profile })
			token := shape{by.header, claims}
			_, err := v.Verify(t.Context(), token.mint(issuer))
			if e := refusedWith(err); (err == nil) != by.accept || e != nil && e.Check != "kind" {
				t.Errorf("%s, by %s: %v; want accepted: %t, or a refusal by kind", tt.name, by.name, err, by.accept)
			}
		}
	}
}

// C12: the log of a refused typ names the field to set, and what the token has.
func TestRefusedTypeNamesTheField(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	v := trusting(t, issuer, nil)
	for got, header := range map[string]map[string]any{`"JWT"`: typedJWT, "none": untyped, `""`: {"typ": ""}} {
		_, err := v.Verify(t.Context(), issuer.Mint(bearertest.Token{Header: header}))
		e, ok := errors.AsType[*bearer.Error](err)
		if !ok || e.Check != "typ" || e.Expected != `one of ["at+jwt"] (Issuer.Profile)` || e.Got != got ||
			!strings.HasPrefix(e.Hint, "if this is an access token, set jwks.Issuer.Profile") {
			t.Errorf("typ %s: %+v", got, err)
		}
	}
}

// K9: if a profile takes the audience from another claim, aud does not count.
func TestAudienceOfAnotherClaim(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	v := trusting(t, issuer, func(i *jwks.Issuer) { i.Profile = jwks.Cognito() })
	token := shape{untyped, map[string]any{"client_id": "other", "jti": "1", "token_use": "access", "aud": audience}}
	if _, err := v.Verify(t.Context(), token.mint(issuer)); err == nil {
		t.Error("a profile whose audience is client_id accepts aud")
	}
}

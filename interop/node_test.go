package interop_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/jwks"
)

var nodeAlgorithms = []string{"RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}

// nodeAPI returns an API with the default profile, RFC 9068. Its audiences include
// the names of the OP's clients, so that ID tokens have an accepted audience.
func nodeAPI(t *testing.T, o *nodeOP, profile jwks.Profile) *api {
	t.Helper()
	audience := []string{nodeMachine.id}
	for _, alg := range append(nodeAlgorithms, "HS256", "encrypted") {
		audience = append(audience, nodeAPIs+alg, nodeAPIs+alg+"/2", "native-"+alg)
	}
	return newAPI(t, jwks.Config{
		Issuers: []jwks.Issuer{{URL: o.issuer, Audience: audience, Profile: profile}},
		Leeway:  -1,
	})
}

func TestNodeAccepted(t *testing.T) {
	t.Parallel()
	o := sharedNodeOP(t)
	a := nodeAPI(t, o, jwks.Profile{})
	for _, alg := range nodeAlgorithms {
		t.Run(alg, func(t *testing.T) {
			token := o.clientCredentials(t, alg, "orders:read", nil).Access
			header := headerOf(token)
			t.Logf("%v %v", header, claimsOf(token))
			if header["typ"] != "at+jwt" || header["alg"] != alg {
				t.Errorf("header %v; want typ at+jwt and alg %s", header, alg)
			}
			got := a.accepts(t, "/orders", token)
			if got.Issuer != o.issuer || got.Subject != "machine" || got.ClientID != "machine" || !got.Client ||
				got.Scopes != "orders:read" || !slices.Equal(got.Audience, []string{nodeAPIs + alg}) {
				t.Errorf("principal %+v", got)
			}
			a.wantsScope(t, o.clientCredentials(t, alg, "orders:write orders:readall", nil).Access)
		})
	}
	if fetches := a.verifier.Stats().Issuers[0].Fetches; fetches != 1 {
		t.Errorf("%d fetches for %d published keys; want 1", fetches, len(nodeAlgorithms))
	}

	t.Run("authorization code with PKCE, and refresh", func(t *testing.T) {
		c := nodeNative("ES256")
		user := o.codeFlow(t, c, "ES256", "openid offline_access orders:read")
		refreshed := c.requestTokens(t, o.endpoint("/token"), url.Values{
			"grant_type": {"refresh_token"}, "refresh_token": {user.Refresh}, "resource": {nodeAPIs + "ES256"},
		}, nil)
		for name, token := range map[string]string{"code": user.Access, "refresh": refreshed.Access} {
			got := a.accepts(t, "/orders", token)
			if got.Subject != "alice" || got.ClientID != c.id || got.Client || got.Scopes != "orders:read" {
				t.Errorf("%s: principal %+v", name, got)
			}
		}
		for name, token := range map[string]string{"code": user.Refresh, "refresh": refreshed.Refresh} {
			if token == "" {
				t.Errorf("%s: no refresh token", name)
				continue
			}
			a.refuses(t, token, "form")
		}
	})
}

func TestNodeRefused(t *testing.T) {
	t.Parallel()
	o := sharedNodeOP(t)
	a := nodeAPI(t, o, jwks.Profile{})
	machine := func(o *nodeOP, api string) string { return o.clientCredentials(t, api, "orders:read", nil).Access }
	proof := o.dpopProof(t)
	bound := o.clientCredentials(t, "ES256", "orders:read", http.Header{"Dpop": {proof}})
	if bound.TokenType != "DPoP" {
		t.Fatalf("token_type %q; want DPoP", bound.TokenType)
	}
	otherKeys := newNodeOP(t, "", o.issuer, "other")
	sameKid := newNodeOP(t, "", o.issuer, "key")
	stranger := strangerNodeOP(t)
	tests := []struct{ name, token, check string }{
		{"an audience elsewhere", machine(o, "RS256/60"), "aud"},
		{"an opaque access token of a client", machine(o, ""), "form"},
		{"an opaque access token of a user", o.codeFlow(t, nodeNative("ES256"), "", "openid").Access, "form"},
		{"a JWT access token with a symmetric signature", machine(o, "HS256"), "alg"},
		{"an encrypted JWT access token", machine(o, "encrypted"), "form"},
		{"a DPoP-bound access token as a bearer token", bound.Access, "cnf"},
		{"a DPoP proof", proof, "claims"},
		{"another OP with the same issuer and other keys", machine(otherKeys, "ES256"), "kid"},
		{"another OP with the same issuer, kid and other keys, ECDSA", machine(sameKid, "ES256"), "signature"},
		{"another OP with the same issuer, kid and other keys, RSA-PSS", machine(sameKid, "PS256"), "signature"},
		{"another OP with the same issuer, kid and other keys, EdDSA", machine(sameKid, "EdDSA"), "signature"},
		{"another OP with its own issuer", machine(stranger, "ES256"), "iss"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { a.refuses(t, tt.token, tt.check) })
	}
	a.accepts(t, "/orders", machine(o, "ES256"))
}

func TestNodeExpires(t *testing.T) {
	t.Parallel()
	o := sharedNodeOP(t)
	a := nodeAPI(t, o, jwks.Profile{})
	a.awaitReady(t, 3*time.Second)
	token := o.clientCredentials(t, "ES256/2", "orders:read", nil).Access
	a.accepts(t, "/orders", token)
	eventually(t, 5*time.Second, "the token is refused", func() bool { return a.get(t, "/orders", token).status != 200 })
	a.refuses(t, token, "exp")
}

// The OP's ID tokens have no typ, which some profiles accept. Their nonce reveals
// them, or the missing client ID claim.
func TestNodeIDTokens(t *testing.T) {
	t.Parallel()
	o := sharedNodeOP(t)
	type idToken struct{ name, token string }
	var idTokens []idToken
	for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		c := nodeNative(alg)
		params := url.Values{"scope": {"openid"}, "response_type": {"id_token"}, "nonce": {"n"}}
		user := o.codeFlow(t, c, "", "openid offline_access")
		refreshed := c.requestTokens(t, o.endpoint("/token"), url.Values{
			"grant_type": {"refresh_token"}, "refresh_token": {user.Refresh},
		}, nil)
		bare := c.codeFlow(t, o.endpoint("/auth"), o.endpoint("/token"), url.Values{"scope": {"openid"}}, nodeLogin)
		idTokens = append(idTokens,
			idToken{"code flow " + alg, user.ID},
			idToken{"code flow without a nonce " + alg, bare.ID},
			idToken{"refresh " + alg, refreshed.ID},
			idToken{"implicit flow " + alg, c.authorize(t, o.endpoint("/auth"), params, nodeLogin).Get("id_token")})
		t.Logf("%v %v, without a nonce %v", headerOf(user.ID), claimsOf(user.ID), claimsOf(bare.ID))
	}
	profiles := []struct {
		name    string
		profile jwks.Profile
	}{
		{"RFC 9068", jwks.Profile{}},
		{"permissive", permissiveProfile()},
		{"Keycloak", jwks.Keycloak()},
		{"EntraID", jwks.EntraID()},
		{"Okta", jwks.Okta()},
		{"Auth0", jwks.Auth0()},
		{"Cognito", jwks.Cognito()},
	}
	for _, p := range profiles {
		a := nodeAPI(t, o, p.profile)
		for _, id := range idTokens {
			t.Run(p.name+"/"+id.name, func(t *testing.T) {
				got := a.get(t, "/me", id.token)
				if got.status != 401 || got.event.Check != "typ" && got.event.Check != "kind" && got.event.Check != "claims" {
					t.Errorf("%d, check %q (expected %q, got %q); want 401 by typ, kind or claims",
						got.status, got.event.Check, got.event.Expected, got.event.Got)
				}
			})
		}
	}
}

func TestNodeStopsAndComesBack(t *testing.T) {
	t.Parallel()
	o := newNodeOP(t, "", "", "old")
	a := nodeAPI(t, o, jwks.Profile{})
	a.awaitReady(t, 3*time.Second)
	old := o.clientCredentials(t, "ES256", "orders:read", nil).Access
	o.process.stop()
	a.accepts(t, "/orders", old)

	cold := nodeAPI(t, o, jwks.Profile{})
	cold.unavailable(t, old)

	back := newNodeOP(t, o.addr, "", "new") // with new keys: it stores none
	cold.awaitReady(t, 3*time.Second)
	token := back.clientCredentials(t, "EdDSA", "orders:read", nil).Access
	cold.accepts(t, "/orders", token)
	a.accepts(t, "/orders", token)
	a.refuses(t, old, "kid")
	cold.refuses(t, old, "kid")
}

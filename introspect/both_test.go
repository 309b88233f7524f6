package introspect_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// Reports G1: bearer.Both intersects what the two answers state, an empty
// string included. Only an absent member leaves the JWT's value. The order of
// the two verifiers does not matter.
func TestBothNarrowsByWhatTheServerSent(t *testing.T) {
	issuer := newIssuer(t, bearertest.Client{ID: "api", Secret: "secret"})
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{audience}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer tokens.Close()
	opaque := newVerifier(t, issuer, nil)
	authenticated := time.Unix(time.Now().Unix()-60, 0)
	const absent = "absent"
	tests := []struct {
		name   string
		answer map[string]any // members that replace those of the token
		scopes scope.Set
		acr    string
		at     time.Time
		amr    []string
		check  string // the check of the refusal
	}{
		{name: "the same", scopes: scope.Of("orders:read", "admin"), acr: "mfa", at: authenticated, amr: []string{"pwd", "otp"}},
		{
			name:   "nothing",
			answer: map[string]any{"scope": absent, "acr": absent, "auth_time": absent, "amr": absent, "sub": absent, "client_id": absent, "jti": absent, "iat": absent, "exp": absent},
			scopes: scope.Of("orders:read", "admin"), acr: "mfa", at: authenticated, amr: []string{"pwd", "otp"},
		},
		{
			name: "empty members", answer: map[string]any{"scope": "", "acr": "", "amr": []string{}, "auth_time": 0},
			at: time.Unix(0, 0),
		},
		{ // checklist C18: it counts as absent and grants nothing
			name: "malformed members", answer: map[string]any{"scope": 7, "acr": 7, "amr": 7, "auth_time": "now"},
		},
		{
			name: "null members", answer: map[string]any{"scope": nil, "acr": nil, "amr": nil, "auth_time": nil},
			scopes: scope.Of("orders:read", "admin"), acr: "mfa", at: authenticated, amr: []string{"pwd", "otp"},
		},
		{
			name: "less", answer: map[string]any{"scope": "orders:read profile", "acr": "pwd", "amr": []string{"pwd"}, "auth_time": authenticated.Unix() - 60},
			scopes: scope.Of("orders:read"), at: authenticated.Add(-time.Minute), amr: []string{"pwd"},
		},
		{
			name: "an auth_time in the future", answer: map[string]any{"auth_time": time.Now().Add(time.Hour).Unix()},
			scopes: scope.Of("orders:read", "admin"), acr: "mfa", amr: []string{"pwd", "otp"},
		},
		{
			name: "a later auth_time", answer: map[string]any{"auth_time": authenticated.Unix() + 30},
			scopes: scope.Of("orders:read", "admin"), acr: "mfa", at: authenticated, amr: []string{"pwd", "otp"},
		},
		{
			name: "empty identifiers", answer: map[string]any{"sub": "", "client_id": "", "jti": ""},
			scopes: scope.Of("orders:read", "admin"), acr: "mfa", at: authenticated, amr: []string{"pwd", "otp"},
		},
		{name: "an empty audience", answer: map[string]any{"aud": []string{}}, check: "aud"},
		{name: "another subject", answer: map[string]any{"sub": "bob"}, check: "sub"},
		{name: "another client", answer: map[string]any{"client_id": "other"}, check: "client_id"},
	}
	for _, tt := range tests {
		issuer.OverlayIntrospection(func(_ string, answer map[string]any) map[string]any {
			maps.Copy(answer, tt.answer)
			maps.DeleteFunc(answer, func(_ string, value any) bool { return value == any(absent) })
			return answer
		})
		for order, both := range map[string]bearer.Verifier{
			"the JWT first":    bearer.Both(tokens, opaque.TakingJWTs()),
			"the answer first": bearer.Both(opaque.TakingJWTs(), tokens),
		} {
			if order == "the answer first" && (tt.name == "nothing" || tt.name == "null members" || tt.name == "empty identifiers") {
				continue // what the first verifier does not state grants nothing
			}
			// A new token for each case, so that no cached answer exists.
			p, err := both.Verify(t.Context(), issuer.Mint(bearertest.Token{Subject: "alice", ClientID: "shop", Scope: "orders:read admin", Claims: map[string]any{
				"acr": "mfa", "auth_time": authenticated.Unix(), "amr": []string{"pwd", "otp"},
			}}))
			if tt.check != "" {
				if codeOf(err) != "invalid_token" || err.(*bearer.Error).Check != tt.check {
					t.Errorf("%s, %s: %v, %v; want %s refused", tt.name, order, p, err, tt.check)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s, %s: %v", tt.name, order, err)
				continue
			}
			if p.Scopes != tt.scopes || p.ACR != tt.acr || !p.AuthTime.Equal(tt.at) || !slices.Equal(p.AMR(), tt.amr) ||
				p.Subject != "alice" || p.ClientID != "shop" || p.TokenID == "" || p.Expires.IsZero() || !p.HasAudience(audience) {
				t.Errorf("%s, %s: %+v, acr %q, amr %q", tt.name, order, p.Scopes, p.ACR, p.AMR())
			}
		}
	}
}

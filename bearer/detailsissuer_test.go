package bearer_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// RFC 9396, Sections 9.1 and 9.2: the details are a claim of a JWT, and a member of
// an introspection response.
func TestAuthorizationDetails(t *testing.T) {
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{Clients: []bearertest.Client{{ID: "api", Secret: "secret"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	const audience = "https://api.example.com"
	jwts, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{audience}}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(jwts.Close)
	opaque, err := introspect.New(introspect.Config{
		Issuer: issuer.URL(), Audience: []string{audience}, Auth: introspect.ClientSecretBasic("api", "secret"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(opaque.Close)
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{jwts, opaque}})
	if err != nil {
		t.Fatal(err)
	}
	type payment struct {
		Limit int `json:"limit"`
	}
	route := guard.MustRoute(bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{
		bearer.Details("payment", func(_ *http.Request, payments []payment) error {
			if len(payments) != 1 || payments[0].Limit < 10 {
				return bearer.Forbid("the limit is too low")
			}
			return nil
		}),
	}})
	with := func(limit int) bearertest.Token {
		return bearertest.Token{Claims: map[string]any{"authorization_details": []any{map[string]any{"type": "payment", "limit": limit}}}}
	}
	for _, mint := range []func(bearertest.Token) string{issuer.Mint, issuer.MintOpaque} {
		for _, tt := range []struct {
			token  bearertest.Token
			status int
		}{{with(10), 200}, {with(9), 403}, {bearertest.Token{}, 403}} {
			r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/payments", nil)
			r.Header.Set("Authorization", "Bearer "+mint(tt.token))
			if got := route.Decide(r); got.Status() != tt.status {
				t.Errorf("%v: %d, %v; want %d", tt.token.Claims, got.Status(), got.Err(), tt.status)
			}
		}
	}
}

package bearertest_test

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

func kitPart(t *testing.T, token string, n int) (part map[string]any) {
	t.Helper()
	document, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[n])
	if err == nil {
		err = json.Unmarshal(document, &part)
	}
	if err != nil {
		t.Fatal(err)
	}
	return part
}

// Every shape mints every kind that it lists, with the claims of every token, and
// what the caller asked for.
func TestShapes(t *testing.T) {
	issuer := kitIssuer(t, bearertest.IssuerConfig{InMemory: true})
	all := bearertest.Shapes()
	if len(all) != 22 || all[0] != bearertest.RFC9068 || !slices.Contains(all, bearertest.Keycloak) {
		t.Errorf("%d shapes: %q", len(all), all)
	}
	for _, s := range all {
		kinds := s.Kinds()
		if kinds[0] != bearertest.AccessToken {
			t.Errorf("%q: kinds %q", s, kinds)
		}
		for _, kind := range kinds {
			for _, own := range []bool{false, true} {
				token := issuer.Mint(bearertest.Token{
					Shape: s, Kind: kind, ForClient: own, Claims: map[string]any{"tenant": "acme"}, Header: map[string]any{"x": 1.0},
				})
				header, claims := kitPart(t, token, 0), kitPart(t, token, 1)
				if claims["exp"] == nil || claims["iat"] == nil || claims["iss"] != issuer.URL() && kind != bearertest.SessionToken ||
					claims["tenant"] != "acme" || header["x"] != 1.0 || header["kid"] == nil || header["alg"] == nil {
					t.Errorf("%q, %q: %v %v", s, kind, header, claims)
				}
				for name, value := range claims {
					if value == nil {
						t.Errorf("%q, %q: %s is null", s, kind, name)
					}
				}
			}
		}
	}
	header := kitPart(t, issuer.Mint(bearertest.Token{Shape: bearertest.Okta, Algorithm: "PS256"}), 0)
	if _, typed := header["typ"]; typed || header["alg"] != "PS256" {
		t.Errorf("Okta: %v", header)
	}
}

// A token that the issuers of the shape do not sign is a mistake in the test.
func TestShapesPanic(t *testing.T) {
	issuer := kitIssuer(t, bearertest.IssuerConfig{InMemory: true})
	for _, token := range []bearertest.Token{
		{Shape: "keycloak"}, {Shape: bearertest.Okta, Kind: bearertest.RefreshToken}, {Kind: "id_token"},
	} {
		func() {
			defer func() {
				if err, ok := recover().(error); !ok || !strings.HasPrefix(err.Error(), "bearertest: ") {
					t.Errorf("%+v: %v", token, err)
				}
			}()
			issuer.Mint(token)
		}()
	}
}

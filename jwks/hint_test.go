package jwks_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
)

// Each refusal tells the operator what to look at: the setting, or who must change
// something.
func TestHints(t *testing.T) {
	issuer, other := newIssuer(t, bearertest.IssuerConfig{}), newIssuer(t, bearertest.IssuerConfig{})
	later := time.Now().Add(time.Hour).Unix()
	mint := func(from *bearertest.Issuer, header, claims members) string {
		return from.Mint(bearertest.Token{Algorithm: "ES256", Header: header, Claims: claims})
	}
	good := mint(issuer, nil, nil)
	dot := strings.LastIndexByte(good, '.')
	untyped := func(i *jwks.Issuer) { i.Profile.Types = []string{"JWT"} }
	keyID := func(i *jwks.Issuer) { i.RequireKeyID = true }
	for _, tt := range []struct {
		name, token string
		change      func(*jwks.Issuer)
		check, hint string
	}{
		{"an empty token", "", nil, "form", "introspect.Verifier"},
		{"an opaque token", "opaque", nil, "form", "introspect.Verifier"},
		{"a truncated payload", good[:dot-1] + good[dot:], nil, "payload", "truncated"},
		{"no iss", mint(issuer, nil, members{"iss": nil}), nil, "claims", "truncated"},
		{"alg", mint(issuer, members{"alg": "HS256"}, nil), nil, "alg", "Issuer.Algorithms"},
		{"typ", mint(issuer, typedJWT, nil), nil, "typ", "set jwks.Issuer.Profile"},
		{"kind", mint(issuer, typedJWT, members{"nonce": "n"}), untyped, "kind", "how Issuer.Profile identifies"},
		{"an unknown kid", mint(issuer, members{"kid": "other"}, nil), nil, "kid", "Issuer.Keys"},
		{"no kid, and it is required", mint(issuer, members{"kid": nil}, nil), keyID, "kid", "Issuer.RequireKeyID"},
		{"signature", mint(other, members{"kid": nil}, members{"iss": issuer.URL()}), nil, "signature", "share their keys"},
		{"exp", mint(issuer, nil, members{"exp": 1}), nil, "exp", "get a new token"},
		{"iat", mint(issuer, nil, members{"iat": later}), nil, "iat", "clock"},
		{"nbf", mint(issuer, nil, members{"nbf": later}), nil, "nbf", "clock"},
		{"cnf", mint(issuer, nil, members{"token_type": "DPoP"}), nil, "cnf", "RFC 7800"},
		{"aud", mint(issuer, nil, members{"aud": "other"}), nil, "aud", "Issuer.Audience"},
		{"another issuer", mint(other, nil, nil), nil, "iss", "Config.Issuers"},
	} {
		v := trusting(t, issuer, tt.change)
		_, err := v.Verify(t.Context(), tt.token)
		if e, ok := errors.AsType[*bearer.Error](err); !ok || e.Check != tt.check || !strings.Contains(e.Hint, tt.hint) {
			t.Errorf("%s: %+v; want a refusal by %s whose hint says %q", tt.name, e, tt.check, tt.hint)
		}
		if got := v.Stats().Refusals; len(got) != 1 || got[tt.check] != 1 {
			t.Errorf("%s: the refusals are %v", tt.name, got)
		}
	}
}

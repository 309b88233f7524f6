package jwks_test

import (
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
)

// The refusal of a key or of a signature tells the operator which keys were tried,
// and why these.
func TestKeyRefusals(t *testing.T) {
	issuer, other := newIssuer(t, bearertest.IssuerConfig{}), newIssuer(t, bearertest.IssuerConfig{})
	mint := func(from *bearertest.Issuer, header, claims members) string {
		all := members{"iss": issuer.URL()}
		for name, value := range claims {
			all[name] = value
		}
		return from.Mint(bearertest.Token{Algorithm: "ES256", Header: header, Claims: all})
	}
	mint(issuer, nil, nil) // makes a key
	one := issuer.KeySet()
	kid, err := issuer.AddKey("ES256")
	if err != nil {
		t.Fatal(err)
	}
	two := issuer.KeySet()
	forged := mint(other, members{"kid": nil}, nil)
	old := time.Now().Add(-time.Hour).Unix()
	for _, tt := range []struct {
		name                 string
		keys                 jwks.KeySource
		token                string
		check, expected, got string
	}{
		{"one key", jwks.KeysFromJWKS(one), forged, "signature", "a signature by the issuer's key", "another"},
		{"two keys", jwks.KeysFromJWKS(two), forged, "signature", "a signature by one of the issuer's 2 keys for ES256, since the token has no kid", "another"},
		{"the key of a kid", jwks.KeysFromJWKS(two), mint(other, members{"kid": kid}, nil), "signature", "a signature by the issuer's key", "another"},
		{"the kid of a key for another algorithm", jwks.KeysFromJWKS(two), mint(other, members{"kid": kid, "alg": "ES384"}, nil),
			"kid", "the ID of a key for ES384", "the ID of a key for other algorithms"},
		{"an unknown kid, given keys", jwks.KeysFromJWKS(two), mint(other, members{"kid": "other"}, nil), "kid", "the ID of a key that the issuer publishes", "an unknown ID; 6 keys are configured"},
		{"an unknown kid, fetched keys", jwks.KeySource{}, mint(other, members{"kid": "other"}, members{"iat": old}), "kid", "the ID of a key that the issuer publishes", "an unknown ID; 6 keys were fetched 0s ago"},
	} {
		v := trusting(t, issuer, func(i *jwks.Issuer) { i.Keys = tt.keys })
		_, err := v.Verify(t.Context(), tt.token)
		if e := refusedWith(err); e == nil || e.Check != tt.check || e.Expected != tt.expected || e.Got != tt.got {
			t.Errorf("%s: %+v; want %s: %s, got %s", tt.name, e, tt.check, tt.expected, tt.got)
		}
	}
	issuer.Stop()
	if e := unavailable(t, trusting(t, issuer, nil), mint(issuer, nil, nil)); e.Suspect || e.Check != "keys" {
		t.Errorf("an outage: %+v; want no suspicion", e)
	}
}

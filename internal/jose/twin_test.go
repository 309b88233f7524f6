package jose_test

import (
	"crypto/elliptic"
	"encoding/base64"
	"math/big"
	"testing"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// Reports G7: an ECDSA signature has exactly one twin, which is valid and whose
// twin is the original. Other tokens have none.
func TestTwin(t *testing.T) {
	keys := signers(t)
	for _, alg := range jose.Algorithms() {
		t.Run(string(alg), func(t *testing.T) {
			signed, err := jose.Sign(keys[alg], alg, []byte(`{"alg":"`+string(alg)+`"}`), []byte(`{"sub":"a"}`))
			if err != nil {
				t.Fatal(err)
			}
			key := newKey(t, keys[alg].Public())
			twin, ok := jose.Twin(signed)
			if ecdsa := alg == jose.ES256 || alg == jose.ES384 || alg == jose.ES512; ok != ecdsa {
				t.Fatalf("a twin: %t, want %t", ok, ecdsa)
			} else if !ecdsa {
				return
			}
			jws, err := jose.Parse(twin)
			if err != nil || twin == signed {
				t.Fatalf("%q: %v", twin, err)
			}
			if err := key.Verify(alg, jws.SigningInput, jws.Signature); err != nil {
				t.Errorf("the twin: %v", err)
			}
			if again, ok := jose.Twin(twin); !ok || again != signed {
				t.Error("the twin's twin is another token")
			}
		})
	}
	for _, token := range []string{"", "opaque", "a.b.c", "eyJhbGciOiJFUzI1NiJ9.e30.AAAA"} {
		if twin, ok := jose.Twin(token); ok {
			t.Errorf("%q has the twin %q", token, twin)
		}
	}
}

// A token without a valid S has no twin, nor has one that is no JWS.
func TestTwinOfNothing(t *testing.T) {
	for alg, curve := range map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()} {
		n := curve.Params().N
		size := (curve.Params().BitSize + 7) / 8
		header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"`+alg+`"}`)) + ".e30."
		one := big.NewInt(1)
		for _, tt := range []struct {
			name string
			s    *big.Int
			ok   bool
		}{
			{"0", new(big.Int), false},
			{"1", one, true},
			{"n-1", new(big.Int).Sub(n, one), true},
			{"n", n, false},
			{"n+1", new(big.Int).Add(n, one), false},
		} {
			signature := append(make([]byte, size), tt.s.FillBytes(make([]byte, size))...)
			token := header + base64.RawURLEncoding.EncodeToString(signature)
			if twin, ok := jose.Twin(token); ok != tt.ok || (twin != "") != tt.ok {
				t.Errorf("%s, S is %s: %q, %t", alg, tt.name, twin, ok)
			}
		}
	}
	for _, token := range []string{"", "opaque", "a.b.c", tokenOf(`{"alg":"ES256","crit":["x"]}`)} {
		if twin, ok := jose.Twin(token); ok || twin != "" {
			t.Errorf("%q: %q, %t", token, twin, ok)
		}
	}
}

package jose_test

import (
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

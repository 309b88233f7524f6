package jose_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// Parse either returns one of two errors, or the token is the only encoding of
// the result (K3).
func FuzzParse(f *testing.F) {
	for _, token := range []string{"", "..", "a.b.c", a1Token, a2Token, a3Token, a4Token, a5Token, edToken,
		tokenOf(`{"alg":"ES256","kid":"k","typ":"at+jwt","jwk":{"kty":"EC"}}`),
		tokenOf(`{"alg":"ES256","crit":["b64"],"b64":false}`),
		tokenOf(`{"alg":"ES256","alg":"none"}`),
		tokenOf(`{"alg":"\ud800"}`),
		tokenOf(` {"alg":"ES256"`),
		"eyJhbGciOiJFUzI1NiJ9.e30\n.c2ln",
	} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		jws, err := jose.Parse(token)
		if err != nil {
			var malformed *jose.MalformedError
			if !errors.Is(err, jose.ErrNotJWS) && !errors.As(err, &malformed) {
				t.Fatalf("error of type %T: %v", err, err)
			}
			return
		}
		header, _, _ := strings.Cut(jws.SigningInput, ".")
		again := header + "." + base64.RawURLEncoding.EncodeToString(jws.Payload) + "." + base64.RawURLEncoding.EncodeToString(jws.Signature)
		if again != token {
			t.Errorf("encodes to %q, not to %q", again, token)
		}
		if jws.Header.Algorithm == "" || len(jws.Payload) == 0 || len(jws.Signature) == 0 || strings.Contains(jws.Header.KeyID, "\xff") {
			t.Errorf("%+v", jws)
		}
	})
}

// A key that was read verifies something, and is the same after writing and
// reading it.
func FuzzParseKeySet(f *testing.F) {
	f.Add([]byte(`{"keys":[{` + rsaMembers + `,"kid":"a","alg":"RS256","use":"sig"},{` + p256Members + `},{` + p521Members + `,"key_ops":["verify"]},{` + edMembers + `}]}`))
	f.Add([]byte(`{"keys":[{` + edMembers + `,"a":1,"a":2},null,{"kty":"oct","k":"AA"},{` + okp(0, 0, 0) + `}],"x":"` + "\xff" + `"}`))
	f.Add([]byte(`{"keys":[{` + rsaOf(2048, 1, "Aw") + `},{` + rsaOf(2048, 2, "AQ") + `}]}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AA` + a2N + `","e":"AAEAAQ","alg":null,"key_ops":[]}]}`))
	f.Add([]byte(`{"keys":[],"keys":[]}`))
	f.Add([]byte(strings.Repeat(`{"keys":[`, 40)))
	f.Fuzz(func(t *testing.T, doc []byte) {
		set, err := jose.ParseKeySet(doc)
		if err != nil {
			return
		}
		if len(set.Skipped) > 100 || set.More > 0 && len(set.Skipped) < 100 {
			t.Errorf("%d skipped keys are described, and %d more", len(set.Skipped), set.More)
		}
		for _, s := range set.Skipped {
			if s.Reason == "" || len(s.ID) > 64 {
				t.Errorf("skipped %+v", s)
			}
		}
		for _, n := range set.Notes {
			if n.Text == "" || len(n.ID) > 64 {
				t.Errorf("note %+v", n)
			}
		}
		for _, key := range set.Keys {
			able := false
			for _, alg := range jose.Algorithms() {
				if key.Can(alg) {
					able = true
					if err := key.Verify(alg, "a.b", []byte("c")); !errors.Is(err, jose.ErrSignature) {
						t.Errorf("Verify by %s: %v", alg, err)
					}
				}
			}
			if !able {
				t.Error("a key that verifies nothing was not skipped")
			}
			id, _ := key.ID()
			written, err := jose.MarshalKey(key.Public(), id, "")
			if err != nil {
				t.Fatalf("MarshalKey: %v", err)
			}
			again, err := jose.ParseKey(written)
			if err != nil {
				t.Fatalf("ParseKey(%s): %v", written, err)
			}
			if again.Thumbprint() != key.Thumbprint() {
				t.Errorf("%s has thumbprint %s, want %s", written, again.Thumbprint(), key.Thumbprint())
			}
			if got, _ := again.ID(); got != id {
				t.Errorf("ID %q, want %q", got, id)
			}
		}
	})
}

func FuzzParsePEM(f *testing.F) {
	f.Add([]byte(pemOf("PUBLIC KEY", spki(f, rsaKey().Public()))))
	f.Add([]byte(pemOf("PUBLIC KEY", spki(f, edKey(f).Public()))))
	f.Add([]byte(pemOf("CERTIFICATE", certificate(f, edKey(f)))))
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----"))
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := jose.ParsePEM(data)
		if (err == nil) != (len(keys) > 0) {
			t.Errorf("%d keys, %v", len(keys), err)
		}
	})
}

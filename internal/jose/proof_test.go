package jose_test

import (
	"crypto"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// ParseProofKey omits the slow conversion, and returns what ParseKey does.
func TestParseProofKeyIsParseKey(t *testing.T) {
	docs := []string{
		`{` + rsaMembers + `}`, `{` + p256Members + `}`, `{` + edMembers + `}`, `{` + p256Members + `,"alg":"ES256","use":"sig","kid":"k"}`,
		``, `{}`, `[]`, `{"kty":"oct","k":"AAAA"}`, `{` + p256Members + `,"d":"AAAA"}`, `{` + p256Members + `,"alg":"ES384"}`,
		`{` + p256Members + `,"use":"enc"}`, `{` + p256Members + `,"kty":"EC"}`, `{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}`,
		`{"kty":"OKP","crv":"Ed25519","x":"` + strings.Repeat("A", 43) + `"}`, `{"kty":"RSA","n":null,"e":"AQAB"}`,
		`{` + p256Members + `,"alg":null,"d":null}`, `{` + p256Members + `,"key_ops":[]}`, `{` + p256Members + `,"key_ops":` + keyOps(17) + `}`,
	}
	for _, doc := range docs {
		key, err := jose.ParseKey([]byte(doc))
		quick, quickErr := jose.ParseProofKey([]byte(doc))
		if (err == nil) != (quickErr == nil) || err != nil && err.Error() != quickErr.Error() {
			t.Errorf("%s: %v, but %v", doc, err, quickErr)
			continue
		}
		if err != nil {
			continue
		}
		if !quick.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(key.Public()) || quick.Thumbprint() != key.Thumbprint() {
			t.Errorf("%s: another key", doc)
		}
		for _, alg := range jose.Algorithms() {
			if quick.Can(alg) != key.Can(alg) {
				t.Errorf("%s: Can(%q) is %v", doc, string(alg), quick.Can(alg))
			}
		}
	}
}

// Reports V13: the cost of a proof key is bounded, because its sender chooses
// it.
func TestProofKeysAreBounded(t *testing.T) {
	tests := []struct{ name, members, reason string }{
		{"RSA of 2048 bits", rsaOf(2048, 1, "AQAB"), ""},
		{"RSA of 4096 bits", rsaOf(4096, 1, "AQAB"), ""},
		{"P-256", p256Members, ""},
		{"P-521", p521Members, ""}, // dpop.Config.Algorithms lists ES512 or not
		{"Ed25519", edMembers, ""},
		{"RSA of 2047 bits", rsaOf(2047, 1, "AQAB"), "RSA modulus of 2047 bits; want 2048 to 4096"},
		{"RSA of 4097 bits", rsaOf(4097, 1, "AQAB"), "RSA modulus of 4097 bits; want 2048 to 4096"},
		{"RSA of 8192 bits, e 2^31-1", rsaOf(8192, 1, b64(0x7f, 0xff, 0xff, 0xff)), "RSA modulus of 8192 bits"},
		{"RSA with e 2^31-1", rsaOf(2048, 1, b64(0x7f, 0xff, 0xff, 0xff)), "exponent of a proof's key is not 65537"},
		{"RSA with e 65539", rsaOf(2048, 1, b64(1, 0, 3)), "exponent of a proof's key is not 65537"},
		{"RSA with e 3", rsaOf(2048, 1, "Aw"), "exponent of a proof's key is not 65537"},
		{"RSA with e 1", rsaOf(2048, 1, "AQ"), "RSA exponent"},
		// Reports L4: refused here, see TestZeroOctetsAreRemoved.
		{"RSA with e of a leading zero", rsaOf(2048, 1, "AAEAAQ"), "e: a leading zero octet"},
		// Reports V10.
		{"key_ops of thousands", rsaMembers + `,"key_ops":` + keyOps(1000), "key_ops: more than 16 operations"},
	}
	for _, tt := range tests {
		_, err := jose.ParseProofKey([]byte("{" + tt.members + "}"))
		if (err == nil) != (tt.reason == "") || err != nil && !strings.Contains(err.Error(), tt.reason) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.reason)
		}
	}
}

func TestParseBodyIsParseWithoutHeader(t *testing.T) {
	for _, token := range []string{a1Token, a2Token, a3Token, edToken} {
		jws, err := jose.Parse(token)
		if err != nil {
			t.Fatal(err)
		}
		body, err := jose.ParseBody(token)
		if err != nil || body.SigningInput != jws.SigningInput || string(body.Payload) != string(jws.Payload) ||
			string(body.Signature) != string(jws.Signature) || body.Header.Algorithm != "" {
			t.Errorf("ParseBody(%q) = %+v, %v", token, body, err)
		}
		first, last := strings.IndexByte(token, '.'), strings.LastIndexByte(token, '.')
		for _, bad := range []string{token[:first], token[:last], token[:last+1], token + ".", token + "=", token[:first] + "." + token[last:]} {
			_, want := jose.Parse(bad)
			if _, got := jose.ParseBody(bad); got == nil || want == nil || got.Error() != want.Error() {
				t.Errorf("ParseBody(%q): %v, want %v", bad, got, want)
			}
		}
	}
}

package jose_test

import (
	"crypto"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// What saves time for proofs says the same as what it stands for.
func TestParseProofKeyIsParseKey(t *testing.T) {
	docs := []string{
		`{` + rsaMembers + `}`, `{` + p256Members + `}`, `{` + edMembers + `}`, `{` + p256Members + `,"alg":"ES256","use":"sig","kid":"k"}`,
		``, `{}`, `[]`, `{"kty":"oct","k":"AAAA"}`, `{` + p256Members + `,"d":"AAAA"}`, `{` + p256Members + `,"alg":"ES384"}`,
		`{` + p256Members + `,"use":"enc"}`, `{` + p256Members + `,"kty":"EC"}`, `{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}`,
		`{"kty":"OKP","crv":"Ed25519","x":"` + strings.Repeat("A", 43) + `"}`, `{"kty":"RSA","n":"AQAB","e":"AQAB"}`,
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

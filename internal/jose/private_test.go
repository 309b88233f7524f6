package jose_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// RFC 7523: in each format, a client's private key makes signatures that its
// public key verifies.
func TestParsePrivateKey(t *testing.T) {
	ec := ecKey(t, elliptic.P256())
	block := func(kind string, der []byte, err error) []byte {
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	pkcs8 := func(key any) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		return block("PRIVATE KEY", der, err)
	}
	sec1, err := x509.MarshalECPrivateKey(ec)
	asJWK := func(key any, alg string) []byte {
		k, err := jwk.FromRaw(key)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"kid": "k1", "alg": alg} {
			if value != "" {
				if err := k.Set(name, value); err != nil {
					t.Fatal(err)
				}
			}
		}
		document, err := k.(interface{ MarshalJSON() ([]byte, error) }).MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		return document
	}
	tests := []struct {
		name string
		data []byte
		alg  jose.Algorithm
		id   string
	}{
		{"RSA, PKCS #8", pkcs8(rsaKey()), jose.RS256, ""},
		{"RSA, PKCS #1", block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey()), nil), jose.RS256, ""},
		{"EC, SEC 1", block("EC PRIVATE KEY", sec1, err), jose.ES256, ""},
		{"P-384", pkcs8(ecKey(t, elliptic.P384())), jose.ES384, ""},
		{"Ed25519", pkcs8(edKey(t)), jose.EdDSA, ""},
		{"RSA, JWK", asJWK(rsaKey(), "PS256"), jose.PS256, "k1"},
		{"EC, JWK", asJWK(ec, ""), jose.ES256, "k1"},
		{"Ed25519, JWK", asJWK(edKey(t), "EdDSA"), jose.EdDSA, "k1"},
	}
	for _, tt := range tests {
		key, err := jose.ParsePrivateKey(append([]byte("\n "), tt.data...))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if key.Algorithm() != tt.alg || key.ID() != tt.id {
			t.Errorf("%s: alg %s, kid %q", tt.name, key.Algorithm(), key.ID())
		}
		token, err := key.Sign([]byte(`{"alg":"`+string(tt.alg)+`"}`), []byte(`{}`))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if _, err := jose.Parse(token); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if secret, err := key.Secret(); err != nil || len(secret) < 32 {
			t.Errorf("%s: a secret of %d bytes, %v", tt.name, len(secret), err)
		}
	}
}

func TestParsePrivateKeyRefuses(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip("this Go makes no weak keys: ", err)
	}
	weakDER, err := x509.MarshalPKCS8PrivateKey(weak)
	if err != nil {
		t.Fatal(err)
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p224DER, err := x509.MarshalPKCS8PrivateKey(p224)
	if err != nil {
		t.Fatal(err)
	}
	public, err := jose.MarshalKey(edKey(t).Public().(ed25519.PublicKey), "k", "")
	if err != nil {
		t.Fatal(err)
	}
	encode := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	jwkOf := func(key *ecdsa.PrivateKey, members string) []byte {
		d, err := key.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		point, err := ecKey(t, elliptic.P256()).PublicKey.Bytes() // of another key
		if err != nil {
			t.Fatal(err)
		}
		encode := base64.RawURLEncoding.EncodeToString
		return []byte(`{"kty":"EC","crv":"P-256","d":"` + encode(d) + `","x":"` + encode(point[1:33]) + `","y":"` + encode(point[33:]) + `"` + members + `}`)
	}
	tests := map[string][]byte{
		"halves of two keys":     jwkOf(ecKey(t, elliptic.P256()), ""),
		"a key for encryption":   jwkOf(ecKey(t, elliptic.P256()), `,"use":"enc"`),
		"a key for verification": jwkOf(ecKey(t, elliptic.P256()), `,"key_ops":["verify"]`),
		"nothing":                nil,
		"garbage":                []byte("hunter2"),
		"a weak RSA key":         encode("PRIVATE KEY", weakDER),
		"P-224":                  encode("PRIVATE KEY", p224DER),
		"a broken block":         encode("PRIVATE KEY", []byte("hunter2")),
		"an encrypted key":       encode("ENCRYPTED PRIVATE KEY", []byte("hunter2")),
		"a certificate":          encode("CERTIFICATE", []byte("hunter2")),
		"two blocks":             append(encode("PRIVATE KEY", p224DER), encode("PRIVATE KEY", p224DER)...),
		"a public JWK":           public,
		"a secret":               []byte(`{"kty":"oct","k":"aHVudGVyMg"}`),
		"a broken JWK":           []byte(`{"kty":"EC","d":"hunter2"}`),
		"a JWK with d twice":     []byte(`{"kty":"EC","d":"hunter2","d":"hunter2"}`),
	}
	for name, data := range tests {
		_, err := jose.ParsePrivateKey(data)
		if err == nil {
			t.Errorf("%s: no error", name)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error quotes the key: %v", name, err)
		}
	}
}

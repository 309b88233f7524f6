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
	b64 := base64.RawURLEncoding.EncodeToString
	ecOf := func(private, public *ecdsa.PrivateKey, members string) []byte {
		d, err := private.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		point, err := public.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return []byte(`{"kty":"EC","crv":"P-256","d":"` + b64(d) + `","x":"` + b64(point[1:33]) + `","y":"` + b64(point[33:]) + `"` + members + `}`)
	}
	good := ecKey(t, elliptic.P256())
	jwkOf := func(members string) []byte { return ecOf(good, good, members) }
	for _, members := range []string{"", `,"use":"sig"`, `,"key_ops":["verify","sign"]`, `,"key_ops":[]`, `,"use":"sig","key_ops":["sign"],"alg":"ES256"`, `,"use":null,"key_ops":null,"alg":null`} {
		if _, err := jose.ParsePrivateKey(jwkOf(members)); err != nil {
			t.Errorf("%s: %v", members, err)
		}
	}
	goodDER, err := x509.MarshalPKCS8PrivateKey(good)
	if err != nil {
		t.Fatal(err)
	}
	goodPEM := encode("PRIVATE KEY", goodDER)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	halves := []byte(`{"kty":"RSA","e":"AQAB","n":"` + b64(rsaKey().N.Bytes()) + `","d":"` + b64(other.D.Bytes()) +
		`","p":"` + b64(other.Primes[0].Bytes()) + `","q":"` + b64(other.Primes[1].Bytes()) + `"}`)
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"halves of two keys", ecOf(ecKey(t, elliptic.P256()), good, ""), "does not match its public key"},
		{"halves of two RSA keys", halves, "private key"},
		{"a key for encryption", jwkOf(`,"use":"enc"`), "use or key_ops"},
		{"a key for verification", jwkOf(`,"key_ops":["verify"]`), "use or key_ops"},
		{"a key for signatures and for verification only", jwkOf(`,"use":"sig","key_ops":["verify"]`), "use or key_ops"},
		{"an algorithm of another curve", jwkOf(`,"alg":"ES384"`), `alg "ES384" does not fit`},
		{"an algorithm of another type", jwkOf(`,"alg":"RS256"`), `alg "RS256" does not fit`},
		{"nothing", nil, "neither a JWK nor PEM"},
		{"garbage", []byte("hunter2"), "neither a JWK nor PEM"},
		{"a weak RSA key", encode("PRIVATE KEY", weakDER), "RSA modulus of 1024 bits"},
		{"P-224", encode("PRIVATE KEY", p224DER), "curve"},
		{"a broken block", encode("PRIVATE KEY", []byte("hunter2")), "the PEM block PRIVATE KEY cannot be read"},
		{"a broken block of PKCS #1", encode("RSA PRIVATE KEY", []byte("hunter2")), "the PEM block RSA PRIVATE KEY cannot be read"},
		{"a broken block of SEC 1", encode("EC PRIVATE KEY", []byte("hunter2")), "the PEM block EC PRIVATE KEY cannot be read"},
		{"an encrypted key", encode("ENCRYPTED PRIVATE KEY", []byte("hunter2")), "want a PRIVATE KEY that is not encrypted"},
		{"a certificate", encode("CERTIFICATE", []byte("hunter2")), "want a PRIVATE KEY that is not encrypted"},
		{"two blocks", append(goodPEM, goodPEM...), "more than one PEM block"},
		{"text behind a block", append(goodPEM, "x"...), "more than one PEM block"},
		{"a public JWK", public, "want a private"},
		{"a secret", []byte(`{"kty":"oct","k":"aHVudGVyMg"}`), "want a private"},
		{"a broken JWK", []byte(`{"kty":"EC","d":"hunter2"}`), "JWK: not a private key"},
		{"a JWK with d twice", jwkOf(`,"d":"hunter2"`), "duplicate member name"},
	}
	for _, tt := range tests {
		_, err := jose.ParsePrivateKey(tt.data)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error quotes the key: %v", tt.name, err)
		}
	}
}

package jose_test

import (
	"crypto"
	"crypto/ecdh"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/internal/jose"
)

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func spki(t testing.TB, public crypto.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func certificate(t testing.TB, signer crypto.Signer) []byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestParsePEM(t *testing.T) {
	ec, ed := ecKey(t, elliptic.P384()), edKey(t)
	rsaPEM := pemOf("PUBLIC KEY", spki(t, rsaKey().Public()))
	ecPEM := pemOf("PUBLIC KEY", spki(t, ec.Public()))
	tests := []struct {
		name, data string
		want       []crypto.PublicKey
	}{
		{"RSA", rsaPEM, []crypto.PublicKey{rsaKey().Public()}},
		{"EC", ecPEM, []crypto.PublicKey{ec.Public()}},
		{"Ed25519", pemOf("PUBLIC KEY", spki(t, ed.Public())), []crypto.PublicKey{ed.Public()}},
		{"PKCS #1", pemOf("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey)), []crypto.PublicKey{rsaKey().Public()}},
		{"a certificate", pemOf("CERTIFICATE", certificate(t, ec)), []crypto.PublicKey{ec.Public()}},
		{"two blocks", rsaPEM + ecPEM, []crypto.PublicKey{rsaKey().Public(), ec.Public()}},
		{"white space around", "\n\t " + rsaPEM + "\r\n\n" + ecPEM + " \n", []crypto.PublicKey{rsaKey().Public(), ec.Public()}},
		{"Windows line ends", strings.ReplaceAll(rsaPEM, "\n", "\r\n"), []crypto.PublicKey{rsaKey().Public()}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			keys, err := jose.ParsePEM([]byte(tt.data))
			if err != nil || len(keys) != len(tt.want) {
				t.Fatalf("ParsePEM: %d keys, %v; want %d", len(keys), err, len(tt.want))
			}
			for i, want := range tt.want {
				if keys[i].Thumbprint() != newKey(t, want).Thumbprint() {
					t.Errorf("key %d is a different key", i)
				}
				if id, ok := keys[i].ID(); ok {
					t.Errorf("key %d has ID %q", i, id)
				}
			}
		})
	}
}

func TestParsePEMRefuses(t *testing.T) {
	good := pemOf("PUBLIC KEY", spki(t, rsaKey().Public()))
	pkcs8, err := x509.MarshalPKCS8PrivateKey(edKey(t))
	if err != nil {
		t.Fatal(err)
	}
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	weak := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 1023, 1), E: 65537}
	tests := []struct{ name, data, want string }{
		{"empty", "", "no block"},
		{"white space", " \n", "no block"},
		{"no PEM", "ssh-ed25519 AAAA", "text outside of PEM blocks"},
		{"a JWK", `{"kty":"RSA"}`, "text outside of PEM blocks"},
		{"PKCS #8", pemOf("PRIVATE KEY", pkcs8), "private key"},
		{"a private key behind a public one", good + pemOf("PRIVATE KEY", pkcs8), "block 2: a private key"},
		{"RSA PRIVATE KEY", pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey())), "private key"},
		{"EC PRIVATE KEY", pemOf("EC PRIVATE KEY", nil), "private key"},
		{"ENCRYPTED PRIVATE KEY", pemOf("ENCRYPTED PRIVATE KEY", nil), "private key"},
		{"OPENSSH PRIVATE KEY", pemOf("OPENSSH PRIVATE KEY", nil), "private key"},
		{"another type", pemOf("CERTIFICATE REQUEST", nil), `type "CERTIFICATE REQUEST"`},
		{"trailing garbage", good + "x", "text outside of PEM blocks"},
		{"a cut block behind", good + good[:100], "text outside of PEM blocks"},
		{"text between", good + "second:\n" + good, "text outside of PEM blocks"},
		{"text before", "first:\n" + good, "text outside of PEM blocks"},
		{"a broken block before", "-----BEGIN PUBLIC KEY-----\n!!!!\n-----END PUBLIC KEY-----\n" + good, "text outside of PEM blocks"},
		{"headers", strings.Replace(good, "KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\n\n", 1), "headers"},
		{"no DER", pemOf("PUBLIC KEY", []byte("x")), "block 1: PUBLIC KEY: "},
		{"a broken certificate", pemOf("CERTIFICATE", []byte("x")), "block 1: CERTIFICATE: "},
		{"DER with trailing data", pemOf("PUBLIC KEY", append(spki(t, rsaKey().Public()), 0)), "trailing data"},
		{"a weak key", pemOf("PUBLIC KEY", spki(t, weak)), "RSA modulus of 1024 bits"},
		{"P-224", pemOf("PUBLIC KEY", spki(t, ecKey(t, elliptic.P224()).Public())), "curve that is not supported"},
		{"X25519", pemOf("PUBLIC KEY", spki(t, x25519.PublicKey())), "type *ecdh.PublicKey"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			keys, err := jose.ParsePEM([]byte(tt.data))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("ParsePEM: %d keys, %v; want %q", len(keys), err, tt.want)
			}
		})
	}
}

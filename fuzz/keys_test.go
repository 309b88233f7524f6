package fuzz_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"time"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// All keys, tokens, proofs and certificates are the same in each process, since
// stored inputs contain them, and since the workers of a fuzzing run are
// processes of their own.

// signer is a private key with the parameters that name it in a header.
type signer struct {
	alg     jose.Algorithm
	kid     string
	private crypto.Signer
}

// The keys of the issuer, a key of nobody with the kid of the issuer's, and the
// key of a client that makes proofs.
var (
	issuerEC = signer{jose.ES256, "ec", ecKey("issuer")}
	issuerEd = signer{jose.EdDSA, "ed", edKey("issuer")}
	forger   = signer{jose.ES256, "ec", ecKey("forger")}
	client   = signer{jose.ES256, "", ecKey("client")}
	thief    = signer{jose.ES256, "", ecKey("thief")}
)

func ecKey(name string) *ecdsa.PrivateKey {
	scalar := sha256.Sum256([]byte("a key for fuzzing: " + name))
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
	return must(key, err)
}

func edKey(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("a key for fuzzing: " + name))
	return ed25519.NewKeyFromSeed(seed[:])
}

// sign returns a JWS. Its signature is the same each time: Ed25519 needs no
// random numbers, and without a source of them ECDSA follows RFC 6979.
func (s signer) sign(header, payload []byte) string {
	input := encode(header) + "." + encode(payload)
	return input + "." + encode(s.signature(input))
}

func (s signer) signature(input string) []byte {
	key, ok := s.private.(*ecdsa.PrivateKey)
	if !ok {
		return must(s.private.Sign(nil, []byte(input), crypto.Hash(0)))
	}
	digest := sha256.Sum256([]byte(input))
	der := must(key.Sign(nil, digest[:], crypto.SHA256))
	return rawSignature(der)
}

// jwk returns the public key as a JWK.
func (s signer) jwk() json.RawMessage {
	return must(jose.MarshalKey(s.private.Public(), s.kid, s.alg))
}

// keySet is the issuer's JWK Set.
func keySet() []byte {
	return must(json.Marshal(map[string]any{"keys": []json.RawMessage{issuerEC.jwk(), issuerEd.jwk()}}))
}

// certificate returns a self-signed certificate that is the same each time.
func certificate(name string) *x509.Certificate {
	key := edKey(name)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: began, NotAfter: began.Add(24 * time.Hour),
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	return must(x509.ParseCertificate(der))
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func sum(b []byte) string {
	digest := sha256.Sum256(b)
	return encode(digest[:])
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

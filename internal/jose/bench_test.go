package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"math/big"
	"testing"

	"github.com/bearerkit/bearerkit/internal/jose"
)

const benchClaims = `{"iss":"https://login.example.com","sub":"5ba552d67","aud":"https://api.example.com","exp":1639528912,"iat":1618354090,"jti":"dbe39bf3a3ba4238a513f51d6e1691c4","client_id":"s6BhdRkqt3","scope":"openid profile reademail"}`

func benchToken(b *testing.B, signer crypto.Signer, alg jose.Algorithm) (string, jose.JWS) {
	b.Helper()
	token, err := jose.Sign(signer, alg, []byte(`{"typ":"at+jwt","alg":"`+string(alg)+`","kid":"RjEwOwOA"}`), []byte(benchClaims))
	if err != nil {
		b.Fatal(err)
	}
	jws, err := jose.Parse(token)
	if err != nil {
		b.Fatal(err)
	}
	return token, jws
}

// BenchmarkVerify measures each algorithm, and beside it the standard library.
func BenchmarkVerify(b *testing.B) {
	for _, alg := range []jose.Algorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA} {
		signer := signers(b)[alg]
		_, jws := benchToken(b, signer, alg)
		b.Run(string(alg), func(b *testing.B) {
			key := newKey(b, signer.Public())
			b.ReportAllocs()
			for b.Loop() {
				if err := key.Verify(alg, jws.SigningInput, jws.Signature); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(string(alg)+"/bare", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !bareVerify(signer.Public(), alg, []byte(jws.SigningInput), jws.Signature) {
					b.Fatal("the signature is invalid")
				}
			}
		})
	}
}

func bareVerify(public crypto.PublicKey, alg jose.Algorithm, input, signature []byte) bool {
	if alg == jose.EdDSA {
		return ed25519.Verify(public.(ed25519.PublicKey), input, signature)
	}
	digest := sha256.Sum256(input)
	switch alg {
	case jose.RS256:
		return rsa.VerifyPKCS1v15(public.(*rsa.PublicKey), crypto.SHA256, digest[:], signature) == nil
	case jose.PS256:
		return rsa.VerifyPSS(public.(*rsa.PublicKey), crypto.SHA256, digest[:], signature, nil) == nil
	default:
		r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
		return ecdsa.Verify(public.(*ecdsa.PublicKey), digest[:], r, s)
	}
}

func BenchmarkParse(b *testing.B) {
	token, _ := benchToken(b, signers(b)[jose.ES256], jose.ES256)
	b.ReportAllocs()
	b.SetBytes(int64(len(token)))
	for b.Loop() {
		if _, err := jose.Parse(token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseKeySet(b *testing.B) {
	doc := []byte(`{"keys":[{` + rsaMembers + `,"kid":"a"},{` + p256Members + `,"kid":"b"},{` + edMembers + `,"kid":"c"}]}`)
	b.ReportAllocs()
	for b.Loop() {
		if set, err := jose.ParseKeySet(doc); err != nil || len(set.Keys) != 3 {
			b.Fatal(err, set.Skipped)
		}
	}
}

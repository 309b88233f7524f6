package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"testing"

	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/examples/internal/exampletest"
)

func TestProgram(t *testing.T) {
	p := exampletest.Start(t, serve)
	newKey := func() *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	key, thief := newKey(), newKey()
	prove := func(key *ecdsa.PrivateKey, method, url, token string) string {
		proof, err := dpop.NewProof(dpop.ProofConfig{Key: key, Algorithm: "ES256", Method: method, URL: url, AccessToken: token})
		if err != nil {
			t.Fatal(err)
		}
		return proof
	}
	issuer, api := p.Var("ISSUER"), p.Var("API")
	token := p.BoundToken(t, prove(key, "POST", issuer+"/token", ""), "scope", "orders:read")
	proof := prove(key, "GET", api+"/orders", token)
	p.Check(t, "GET /orders", 200, "Authorization", "DPoP "+token, "DPoP", proof)

	challenge := func(code, description string) string {
		if code != "" {
			code = `, error="` + code + `", error_description="` + description + `"`
		}
		return `DPoP realm="api"` + code + `, scope="orders:read", algs="ES256 ES384 RS256 PS256 EdDSA Ed25519"`
	}
	badProof := challenge("invalid_dpop_proof", "The DPoP proof is missing or invalid.")
	badToken := challenge("invalid_token", "The access token is invalid.")
	p.Check(t, "GET /orders", 401).Challenges(t, challenge("", ""))
	for _, tt := range []struct{ name, scheme, proof, challenge string }{
		{"a used proof", "DPoP", proof, badProof},
		{"a proof for another URL", "DPoP", prove(key, "GET", api+"/other", token), badProof},
		{"a proof for another token", "DPoP", prove(key, "GET", api+"/orders", token+"x"), badProof},
		{"a proof by another key", "DPoP", prove(thief, "GET", api+"/orders", token), badToken},
		{"no proof", "DPoP", "", badProof},
		{"Bearer", "Bearer", "", badToken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p.Check(t, "GET /orders", 401, "Authorization", tt.scheme+" "+token, "DPoP", tt.proof).Challenges(t, tt.challenge)
		})
	}
}

func TestHeadComment(t *testing.T) { exampletest.Start(t, serve).HeadComment(t) }

package dpop_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/bearerkit/bearerkit/dpop"
)

// A checker for an API behind a proxy that strips /v1.
func ExampleNew() {
	proofs, err := dpop.New(dpop.Config{
		Origin: "https://api.example.com",
		Path:   func(r *http.Request) string { return "/v1" + r.URL.EscapedPath() },
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(proofs.Algorithms())
	// Output: [ES256 ES384 RS256 PS256 EdDSA Ed25519]
}

// New reports all mistakes in a configuration at once.
func ExampleNew_mistakes() {
	_, err := dpop.New(dpop.Config{Origin: "https://api.example.com/v1", Algorithms: []string{"HS256"}})
	fmt.Println(err)
	// Output:
	// dpop: Config.Origin: "https://api.example.com/v1" has more than scheme, host and port; want https://api.example.com
	// dpop: Config.Algorithms: "HS256" is not supported; want one of [RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519]
}

// All instances of a program accept each other's nonces if they share the key.
func ExampleNewNonces() {
	key, err := os.ReadFile("/run/secrets/dpop-nonce-key")
	if err != nil {
		log.Fatal(err)
	}
	nonces, err := dpop.NewNonces(dpop.NoncesConfig{Key: key})
	if err != nil {
		log.Fatal(err)
	}
	proofs, err := dpop.New(dpop.Config{Origin: "https://api.example.com", Nonces: nonces})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(proofs.Nonce())
}

// A small store for a program with few requests.
func ExampleNewMemoryReplays() {
	replays, err := dpop.NewMemoryReplays(dpop.MemoryConfig{Capacity: 10_000, PerKey: 1000})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := dpop.New(dpop.Config{Origin: "https://api.example.com", Replays: replays}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(replays.Stats().Capacity)
	// Output: 10000
}

// A client creates a proof for each request.
func ExampleNewProof() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	const url, accessToken = "https://api.example.com/orders?page=2", "Kz~8mXK1EalYznwH-LC-1fBAo"
	proof, err := dpop.NewProof(dpop.ProofConfig{Key: key, Algorithm: "ES256", Method: http.MethodGet, URL: url, AccessToken: accessToken})
	if err != nil {
		log.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		log.Fatal(err)
	}
	r.Header.Set("Authorization", "DPoP "+accessToken)
	r.Header.Set("DPoP", proof)
}

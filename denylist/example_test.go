package denylist_test

import (
	"log"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/denylist"
	"github.com/bearerkit/bearerkit/jwks"
)

// The issuer posts a logout token to /sign-out when a user of the client shop
// signs out. The guard then refuses the tokens of that session.
func ExampleNewReceiver() {
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{
		URL: "https://login.example.com", Audience: []string{"https://api.example.com"},
	}}})
	if err != nil {
		log.Fatal(err)
	}
	defer tokens.Close()
	denied, err := denylist.NewMemory(denylist.MemoryConfig{})
	if err != nil {
		log.Fatal(err)
	}

	signOut, err := denylist.NewReceiver(denylist.ReceiverConfig{
		Verifier: tokens, List: denied, Audience: []string{"shop"}, MaxTokenLife: time.Hour, Logger: slog.Default(),
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /sign-out", signOut) // outside of the guard: the issuer has no access token

	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{tokens}, DenyList: denied})
	if err != nil {
		log.Fatal(err)
	}
	_ = guard // protects the routes of the API
}

// Access tokens of Okta and Auth0 have no sid, so their users are signed out in all
// sessions. The transmitter of security event tokens must send a bearer token.
func ExampleReceiverConfig() {
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{
		URL: "https://tenant.eu.auth0.com/", Audience: []string{"https://api.example.com"}, Profile: jwks.Auth0(),
	}}})
	if err != nil {
		log.Fatal(err)
	}
	defer tokens.Close()
	denied, err := denylist.NewMemory(denylist.MemoryConfig{})
	if err != nil {
		log.Fatal(err)
	}
	secret := os.Getenv("TRANSMITTER_TOKEN")

	_, err = denylist.NewReceiver(denylist.ReceiverConfig{
		Verifier: tokens, List: denied, Audience: []string{"shop"}, MaxTokenLife: 24 * time.Hour,
		IssuersWithoutSID: []string{"https://tenant.eu.auth0.com/"},
		TransmitterToken:  secret,
	})
	if err != nil {
		log.Fatal(err)
	}
}

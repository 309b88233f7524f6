package bearertest_test

import (
	"context"
	"fmt"
	"log"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
)

// An API that trusts Keycloak is tested with tokens like Keycloak's.
func ExampleShape() {
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{Audience: []string{"https://api.example.com"}})
	if err != nil {
		log.Fatal(err)
	}
	defer issuer.Close()
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{
		URL: issuer.URL(), Audience: []string{"https://api.example.com"}, Profile: jwks.Keycloak(),
	}}})
	if err != nil {
		log.Fatal(err)
	}
	defer tokens.Close()
	user := issuer.Mint(bearertest.Token{Shape: bearertest.Keycloak, Subject: "alice", Scope: "orders:read", Roles: []string{"admin"}})
	service := issuer.Mint(bearertest.Token{Shape: bearertest.Keycloak, ForClient: true})          // a client's own token
	idToken := issuer.Mint(bearertest.Token{Shape: bearertest.Keycloak, Kind: bearertest.IDToken}) // your API must refuse it
	for _, token := range []string{user, service, idToken} {
		if p, err := tokens.Verify(context.Background(), token); err != nil {
			fmt.Println("refused")
		} else {
			fmt.Println(p.Subject, p.Scopes, p.Roles(), p.IsClient())
		}
	}
	// Output:
	// alice orders:read [admin] false
	// 3cc1b0c5-5d2c-4c0b-8b0e-6d1f6e2f1c55  [] true
	// refused
}

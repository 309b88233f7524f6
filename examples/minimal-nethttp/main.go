// Command minimal-nethttp protects two routes of a ServeMux:
//
//	ISSUER=https://login.example.com AUDIENCE=https://api.example.com go run ./examples/minimal-nethttp
package main

import (
	"cmp"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

func main() {
	// The issuer may be down now: its keys are fetched in the background.
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{
		URL:      os.Getenv("ISSUER"),
		Audience: []string{os.Getenv("AUDIENCE")}, // what the issuer calls this API
	}}})
	if err != nil {
		log.Fatal(err)
	}
	guard, err := bearer.New(bearer.Config{
		Verifiers: []bearer.Verifier{tokens},
		Logger:    slog.Default(), // says why a request was refused
	})
	if err != nil {
		log.Fatal(err)
	}

	mux := http.NewServeMux()
	mux.Handle("GET /orders", bearerhttp.Require(guard, scope.All("orders:read"))(http.HandlerFunc(listOrders)))
	mux.Handle("GET /users/{id}", bearerhttp.Require(guard, scope.None, bearer.SubjectInPath("id"))(http.HandlerFunc(showUser)))
	log.Fatal(http.ListenAndServe("127.0.0.1:"+cmp.Or(os.Getenv("PORT"), "8080"), mux))
}

func listOrders(w http.ResponseWriter, r *http.Request) {
	p, _ := bearer.FromContext(r.Context())
	fmt.Fprintf(w, "The orders, for %s.\n", p.Subject)
}

func showUser(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "You are %s.\n", r.PathValue("id"))
}

package bearerhttp_test

import (
	"fmt"
	"log"
	"net/http"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/scope"
)

// A program that forgets the rule of a route does not start.
func ExampleMux() {
	guard, err := bearer.New(bearer.Config{
		Verifiers: []bearer.Verifier{bearertest.Principals{"token": {Subject: "alice"}}}, // stands for a jwks.Verifier
	})
	if err != nil {
		log.Fatal(err)
	}
	handler := http.NotFoundHandler() // stands for the API's handlers

	mux := bearerhttp.NewMux(guard)
	mux.Public("GET /healthz", handler)
	api := mux.Group(scope.All("api"))
	api.Handle("GET /orders", bearer.RouteConfig{Rule: scope.All("orders:read")}, handler)
	api.Handle("DELETE /orders/{id}", bearer.RouteConfig{}, handler) // no rule
	if err := mux.Check(); err != nil {
		fmt.Println(err)
		return
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", mux))
	// Output:
	// bearer: route DELETE /orders/{id}: RouteConfig.Rule: scope: no rule; use scope.None for a route that needs no scope
}

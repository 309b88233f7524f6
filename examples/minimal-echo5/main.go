// Command minimal-echo5 protects two routes of Echo v5:
//
//	ISSUER=https://login.example.com AUDIENCE=https://api.example.com go run ./examples/minimal-echo5
package main

import (
	"cmp"
	"log"
	"log/slog"
	"net/http"
	"os"

	"github.com/labstack/echo/v5"

	"github.com/bearerkit/bearerkit/adapters/bearerecho5"
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

	e := echo.New()
	e.GET("/orders", listOrders, bearerecho5.Require(guard, scope.All("orders:read")))
	e.GET("/users/:id", showUser, bearerecho5.Require(guard, scope.None, bearer.SubjectInPath("id")))
	if err := bearerecho5.CheckRoutes(e); err != nil {
		log.Fatal(err)
	}
	if err := e.Start("127.0.0.1:" + cmp.Or(os.Getenv("PORT"), "8080")); err != nil {
		log.Fatal(err)
	}
}

func listOrders(c *echo.Context) error {
	p, _ := bearer.FromContext(c.Request().Context())
	return c.String(http.StatusOK, "The orders, for "+p.Subject+".\n")
}

func showUser(c *echo.Context) error {
	return c.String(http.StatusOK, "You are "+c.Param("id")+".\n")
}

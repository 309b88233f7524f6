// Command minimal-gin protects two routes of Gin:
//
//	ISSUER=https://login.example.com AUDIENCE=https://api.example.com go run ./examples/minimal-gin
package main

import (
	"cmp"
	"log"
	"log/slog"
	"net/http"
	"os"

	"github.com/gin-gonic/gin"

	"github.com/bearerkit/bearerkit/adapters/bearergin"
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

	r := gin.New() // gin.Default logs query strings
	r.GET("/orders", bearergin.Require(guard, scope.All("orders:read")), listOrders)
	r.GET("/users/:id", bearergin.Require(guard, scope.None, bearer.SubjectInPath("id")), showUser)
	if err := bearergin.CheckRoutes(r); err != nil {
		log.Fatal(err)
	}
	log.Fatal(r.Run("127.0.0.1:" + cmp.Or(os.Getenv("PORT"), "8080")))
}

func listOrders(c *gin.Context) {
	p, _ := bearer.FromContext(c.Request.Context())
	c.String(http.StatusOK, "The orders, for %s.\n", p.Subject)
}

func showUser(c *gin.Context) {
	c.String(http.StatusOK, "You are %s.\n", c.Param("id"))
}

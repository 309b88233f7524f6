package bearerecho5_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/labstack/echo/v5"

	"github.com/bearerkit/bearerkit/adapters/bearerecho5"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/scope"
)

// A group whose routes need one scope, with a route that needs one more. A
// request that passes both guards is judged once.
func ExampleRequire() {
	guard, err := bearer.New(bearer.Config{
		Verifiers: []bearer.Verifier{bearertest.Principals{ // stands for a jwks.Verifier
			"reader": {Subject: "alice", Scopes: scope.Of("api")},
			"writer": {Subject: "bob", Scopes: scope.Of("api", "orders:write")},
		}},
	})
	if err != nil {
		log.Fatal(err)
	}

	e := echo.New()
	api := e.Group("/api", bearerecho5.Require(guard, scope.All("api")))
	api.GET("/orders", func(c *echo.Context) error {
		p, _ := bearer.FromContext(c.Request().Context())
		return c.String(http.StatusOK, "The orders, for "+p.Subject)
	})
	api.DELETE("/orders/:id", func(c *echo.Context) error {
		return c.String(http.StatusOK, "Deleted "+c.Param("id"))
	}, bearerecho5.Require(guard, scope.All("orders:write")))
	if err := bearerecho5.CheckRoutes(e); err != nil {
		log.Fatal(err)
	}

	call := func(method, path, token string) {
		r := httptest.NewRequest(method, path, nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code == http.StatusOK {
			fmt.Println(w.Code, w.Body)
		} else {
			fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
		}
	}
	call("GET", "/api/orders", "reader")
	call("DELETE", "/api/orders/7", "reader")
	call("DELETE", "/api/orders/7", "writer")
	// Output:
	// 200 The orders, for alice
	// 403 Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", scope="api orders:write"
	// 200 Deleted 7
}

// Without credentials the handler runs too, and finds no principal.
func ExampleOptional() {
	guard, err := bearer.New(bearer.Config{
		Verifiers: []bearer.Verifier{bearertest.Principals{"alice": {Subject: "alice"}}}, // stands for a jwks.Verifier
	})
	if err != nil {
		log.Fatal(err)
	}
	e := echo.New()
	e.GET("/", func(c *echo.Context) error {
		if p, ok := bearer.FromContext(c.Request().Context()); ok {
			return c.String(http.StatusOK, "Hello, "+p.Subject)
		}
		return c.String(http.StatusOK, "Hello, guest")
	}, bearerecho5.Optional(guard, scope.None))

	for _, authorization := range []string{"", "Bearer alice", "Bearer forged"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code == http.StatusOK {
			fmt.Println(w.Code, w.Body)
		} else {
			fmt.Println(w.Code)
		}
	}
	// Output:
	// 200 Hello, guest
	// 200 Hello, alice
	// 401
}

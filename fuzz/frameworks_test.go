package fuzz_test

import (
	"net/http"

	"github.com/gin-gonic/gin"
	echo4 "github.com/labstack/echo/v4"
	echo5 "github.com/labstack/echo/v5"

	"github.com/bearerkit/bearerkit/adapters/bearerecho"
	"github.com/bearerkit/bearerkit/adapters/bearerecho5"
	"github.com/bearerkit/bearerkit/adapters/bearergin"
	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// framework builds a handler that passes each request to the guard, and then to
// next. Middleware comes before each framework's router, since routers differ in
// how they treat odd paths.
type framework struct {
	name  string
	guard func(g *bearer.Guard, next http.HandlerFunc) http.Handler
}

var rule = scope.All("orders:read")

var frameworks = []framework{
	{"net/http", func(g *bearer.Guard, next http.HandlerFunc) http.Handler { return bearerhttp.Require(g, rule)(next) }},
	{"Echo v4", func(g *bearer.Guard, next http.HandlerFunc) http.Handler {
		e := echo4.New()
		e.Use(bearerecho.Require(g, rule), func(echo4.HandlerFunc) echo4.HandlerFunc { return echo4.WrapHandler(next) })
		return e
	}},
	{"Echo v5", func(g *bearer.Guard, next http.HandlerFunc) http.Handler {
		e := echo5.New()
		e.Use(bearerecho5.Require(g, rule), func(echo5.HandlerFunc) echo5.HandlerFunc { return echo5.WrapHandler(next) })
		return e
	}},
	{"Gin", func(g *bearer.Guard, next http.HandlerFunc) http.Handler {
		gin.SetMode(gin.ReleaseMode)
		e := gin.New()
		e.Use(bearergin.Require(g, rule), func(c *gin.Context) { next(c.Writer, c.Request); c.Abort() })
		return e
	}},
}

// api is the API of a setup on a framework. It serves one exchange at a time.
type api struct {
	setup   setup
	name    string // of the framework
	handler http.Handler
	x       *exchange
}

// apis are the APIs of a setup, one for each framework. Each is built once.
var apis = func() (all [][]*api) {
	for _, s := range setups {
		var list []*api
		for _, f := range frameworks {
			a := &api{setup: s, name: f.name}
			a.handler = f.guard(a.guard(), a.serve)
			list = append(list, a)
		}
		all = append(all, list)
	}
	return all
}()

// serve is the handler behind the guard.
func (a *api) serve(w http.ResponseWriter, r *http.Request) {
	a.x.last().admitted = true
	_, a.x.last().known = bearer.FromContext(r.Context())
	w.WriteHeader(http.StatusOK)
}

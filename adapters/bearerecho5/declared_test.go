package bearerecho5_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v5"

	"github.com/bearerkit/bearerkit/adapters/bearerecho5"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/adaptertest"
	"github.com/bearerkit/bearerkit/scope"
)

func served(c *echo.Context) error { return c.String(http.StatusOK, "served") }

// A route with neither a rule nor the declaration as public is named before the
// program serves, all at once, and refused if it is called.
func TestRouterRefusesRoutesWithoutARule(t *testing.T) {
	var logged bytes.Buffer
	e := echo.New()
	e.GET("/early", served)
	router := bearerecho5.NewRouter(e, adaptertest.NewGuard(t, &logged))
	router.Public("GET", "/healthz", served)
	router.Public("GET", "/static/*", nil)
	e.GET("/static/*", served)
	router.Handle("GET", "orders/:id", bearer.RouteConfig{Rule: scope.None}, served)
	api := router.Group("/api", scope.All("api"))
	api.Handle("GET", "/", bearer.RouteConfig{Rule: scope.None}, served)
	api.Handle("POST", "/items/", bearer.RouteConfig{Rule: scope.All("write")}, served)
	api.Group("/admin", scope.All("admin")).Handle("GET", "", bearer.RouteConfig{Rule: scope.None, Optional: true}, served)
	e.Group("/v2", func(next echo.HandlerFunc) echo.HandlerFunc { return next }) // registers routes of RouteNotFound
	if err := router.Check(); err == nil || err.Error() != "bearer: route GET /early has no rule; register it with a rule, or as public" {
		t.Errorf("Check: %v", err)
	}

	router.Handle("DELETE", "/orders/:id", bearer.RouteConfig{}, served)
	api.Handle("GET", "/a/:x/b/:x", bearer.RouteConfig{Rule: scope.None}, served)
	e.POST("/orders/:id", served)
	e.Group("/api").GET("/debug", served)
	err := router.Check()
	want := []string{
		"bearer: route DELETE /orders/:id: RouteConfig.Rule: scope: no rule; use scope.None for a route that needs no scope",
		"bearer: route GET /api/debug has no rule; register it with a rule, or as public",
		"bearer: route GET /early has no rule; register it with a rule, or as public",
		"bearer: route POST /orders/:id has no rule; register it with a rule, or as public",
		`bearerecho5: the path of GET /api/a/:x/b/:x has the parameter "x" twice, so a policy and the handler may read different values; rename one`,
	}
	if err == nil || err.Error() != strings.Join(want, "\n") {
		t.Errorf("Check:\n%v\nwant\n%s", err, strings.Join(want, "\n"))
	}

	adaptertest.CheckStatuses(t, e, map[string]int{
		"GET /healthz": 200, "GET /static/a": 200, "GET /unknown": 404, "PUT /orders/1": 405, "GET /v2/unknown": 404, "GET /orders": 404,
		"GET /orders/1": 401, "GET /api/": 401, "POST /api/items/": 401, "GET /api/admin": 200,
		"GET /orders/1 alice": 200, "GET /api/ alice": 403,
		"DELETE /orders/1 alice": 500, "POST /orders/1 alice": 500, "GET /api/debug": 500, "GET /early": 500,
	})
	if w := adaptertest.Call(e, "POST /api/items/"); w.Header().Get("WWW-Authenticate") != `Bearer realm="api", scope="api write"` {
		t.Errorf("challenge %q", w.Header())
	}
	adaptertest.CheckUndeclared(t, e, &logged)
}

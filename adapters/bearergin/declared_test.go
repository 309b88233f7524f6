package bearergin_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/bearerkit/bearerkit/adapters/bearergin"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/adaptertest"
	"github.com/bearerkit/bearerkit/scope"
)

// A route with neither a rule nor the declaration as public is named before the
// program serves, all at once, and refused if it is called.
func TestRouterRefusesRoutesWithoutARule(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	ok := func(c *gin.Context) { c.String(http.StatusOK, "served") }
	var logged bytes.Buffer
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.GET("/early", ok)
	early := engine.Group("/early")
	router := bearergin.NewRouter(engine, adaptertest.NewGuard(t, &logged))
	router.Public("GET", "/healthz", ok)
	router.Public("GET", "/static/*filepath")
	engine.GET("/static/*filepath", ok)
	router.Public("GET", `/v1\:check/:id`, ok)
	router.Handle("GET", "/orders/:id", bearer.RouteConfig{Rule: scope.None}, ok)
	api := router.Group("/api", scope.All("api"))
	api.Handle("GET", "/", bearer.RouteConfig{Rule: scope.None}, ok)
	api.Handle("POST", "items/", bearer.RouteConfig{Rule: scope.All("write")}, ok)
	api.Group("/admin", scope.All("admin")).Handle("GET", "", bearer.RouteConfig{Rule: scope.None, Optional: true}, ok)
	if err := router.Check(); err == nil || err.Error() != "bearer: route GET /early has no rule; register it with a rule, or as public" {
		t.Errorf("Check: %v", err)
	}

	router.Handle("DELETE", "/orders/:id", bearer.RouteConfig{}, ok)
	api.Handle("GET", "/a/:x/b/:x", bearer.RouteConfig{Rule: scope.None}, ok)
	engine.POST("/orders/:id", ok)
	engine.Group("/api").GET("/debug", ok)
	early.GET("/late", ok)
	err := router.Check()
	want := []string{
		"bearer: route DELETE /orders/:id: RouteConfig.Rule: scope: no rule; use scope.None for a route that needs no scope",
		"bearer: route GET /api/debug has no rule; register it with a rule, or as public",
		"bearer: route GET /early has no rule; register it with a rule, or as public",
		"bearer: route GET /early/late has no rule; register it with a rule, or as public",
		"bearer: route POST /orders/:id has no rule; register it with a rule, or as public",
		`bearer: the path of GET /api/a/:x/b/:x has the parameter "x" twice, so a policy and the handler may read different values; rename one`,
	}
	if err == nil || err.Error() != strings.Join(want, "\n") {
		t.Errorf("Check:\n%v\nwant\n%s", err, strings.Join(want, "\n"))
	}

	adaptertest.CheckStatuses(t, engine, map[string]int{
		"GET /healthz": 200, "GET /static/a": 200, "GET /v1:check/7": 200, "GET /unknown": 404, "PUT /orders/1": 405,
		"GET /orders/1": 401, "GET /api/": 401, "POST /api/items/": 401, "GET /api/admin": 200,
		"GET /orders/1 alice": 200, "GET /api/ alice": 403,
		"DELETE /orders/1 alice": 500, "POST /orders/1 alice": 500, "GET /api/debug": 500,
		"GET /early": 200, "GET /early/late": 200, // Gin does not run middleware for older routes and groups
	})
	if w := adaptertest.Call(engine, "POST /api/items/"); w.Header().Get("WWW-Authenticate") != `Bearer realm="api", scope="api write"` {
		t.Errorf("challenge %q", w.Header())
	}
	adaptertest.CheckUndeclared(t, engine, &logged)
	if again := router.Check(); again == nil || again.Error() != err.Error() {
		t.Errorf("Check while the engine serves: %v", again)
	}
}

package bearerhttp_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/adaptertest"
	"github.com/bearerkit/bearerkit/scope"
)

// Every mistake is named before the program serves, all at once, and a route
// without a rule refuses every request.
func TestMuxRefusesRoutesWithoutARule(t *testing.T) {
	served := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "served") })
	mux := bearerhttp.NewMux(adaptertest.NewGuard(t, new(bytes.Buffer)))
	mux.Public("GET /healthz", served)
	mux.Handle("GET /orders/{id}", bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{bearer.SubjectInPath("id")}}, served)
	api := mux.Group(scope.All("api"))
	api.Handle("POST /api/items", bearer.RouteConfig{Rule: scope.All("write")}, served)
	api.Group(scope.All("admin")).Handle("/api/admin/", bearer.RouteConfig{Rule: scope.None, Optional: true}, served)
	if err := mux.Check(); err != nil {
		t.Error(err)
	}

	mux.Handle("DELETE /orders/{id}", bearer.RouteConfig{}, served)
	api.Handle("/api/debug", bearer.RouteConfig{Rule: scope.All("a b"), MaxTokenAge: -1}, served)
	want := []string{
		"bearer: route DELETE /orders/{id}: RouteConfig.Rule: scope: no rule; use scope.None for a route that needs no scope",
		`bearer: route /api/debug: RouteConfig.Rule: scope.All: `,
		"bearer: route /api/debug: RouteConfig.MaxTokenAge is -1ns; want a positive duration",
	}
	err := mux.Check()
	for _, part := range want {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("Check: %v; want %s", err, part)
		}
	}

	adaptertest.CheckStatuses(t, mux, map[string]int{
		"GET /healthz": 200, "GET /unknown": 404, "PUT /orders/1": 405,
		"GET /orders/alice": 401, "POST /api/items": 401, "GET /api/admin/": 200,
		"GET /orders/alice alice": 200, "GET /orders/bob alice": 403, "POST /api/items alice": 403,
		"DELETE /orders/1 alice": 500, "GET /api/debug alice": 500,
	})
	if w := adaptertest.Call(mux, "POST /api/items"); w.Header().Get("WWW-Authenticate") != `Bearer realm="api", scope="api write"` {
		t.Errorf("challenge %q", w.Header())
	}
}

// A guard that New did not build is reported, and nothing is served without one.
func TestMuxWithoutAGuard(t *testing.T) {
	for _, guard := range []*bearer.Guard{nil, {}} {
		mux := bearerhttp.NewMux(guard)
		mux.Group(scope.None).Handle("/", bearer.RouteConfig{Rule: scope.None}, http.NotFoundHandler())
		if err := mux.Check(); err == nil || !strings.Contains(err.Error(), "New did not build this Guard") {
			t.Errorf("Check: %v", err)
		}
		if w := adaptertest.Call(mux, "GET / alice"); w.Code != 500 {
			t.Errorf("status %d", w.Code)
		}
	}
}

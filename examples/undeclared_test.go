package examples_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/scope"
)

// The program of docs/groups.md for chi names a route that is not declared, also in
// a sub-router, before it serves.
func TestUndeclaredRoutesOfChi(t *testing.T) {
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{bearertest.Principals{"token": {Subject: "alice"}}}})
	if err != nil {
		t.Fatal(err)
	}
	served := func(http.ResponseWriter, *http.Request) {}
	r := chi.NewRouter()
	routes := bearer.NewRoutes(guard)
	check := func() error {
		return routes.Check(func(yield func(method, pattern string) bool) {
			_ = chi.Walk(r, func(method, pattern string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
				yield(method, pattern)
				return nil
			})
		})
	}
	route := routes.Route("GET", "/things/{id}", bearer.RouteConfig{Rule: scope.All("things:read")})
	r.With(bearerhttp.Protect(route)).Get("/things/{id}", served)
	routes.Public("GET", "/healthz")
	r.Get("/healthz", served)
	r.Route("/api", func(r chi.Router) {
		admin := routes.With(scope.All("admin")).Route("POST", "/api/jobs", bearer.RouteConfig{Rule: scope.None})
		r.With(bearerhttp.Protect(admin)).Post("/jobs", served)
	})
	if err := check(); err != nil {
		t.Error(err)
	}
	r.Get("/debug", served)
	r.Route("/internal", func(r chi.Router) { r.Delete("/cache", served) })
	const want = "bearer: route DELETE /internal/cache has no rule; register it with a rule, or as public\n" +
		"bearer: route GET /debug has no rule; register it with a rule, or as public"
	if err := check(); err == nil || err.Error() != want {
		t.Errorf("Check: %v; want %s", err, want)
	}
	for request, status := range map[string]int{"GET /healthz": 200, "GET /things/1": 403, "POST /api/jobs": 403} {
		method, target, _ := strings.Cut(request, " ")
		call := httptest.NewRequestWithContext(t.Context(), method, target, nil)
		call.Header.Set("Authorization", "Bearer token")
		w := httptest.NewRecorder()
		r.ServeHTTP(w, call)
		if w.Code != status {
			t.Errorf("%s: %d, want %d", request, w.Code, status)
		}
	}
}

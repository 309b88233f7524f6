package bearer_test

import (
	"maps"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

func TestRoutes(t *testing.T) {
	routes := bearer.NewRoutes(newGuard(t, bearer.Config{}))
	orders := routes.With(scope.All("api")).Route("GET", "/orders", bearer.RouteConfig{Rule: scope.All("read")})
	if got := orders.Scopes().String(); got != "api read" {
		t.Errorf("the route of a group needs %q", got)
	}
	routes.Public("GET", "/healthz")
	registered := map[string]string{"GET": "/orders"}
	if err := routes.Check(maps.All(registered)); err != nil {
		t.Error(err)
	}
	for _, tt := range []struct {
		method, pattern string
		refused         bool
	}{
		{"GET", "/orders", false}, {"GET", "/healthz", false},
		{"POST", "/orders", true}, {"GET", "/orders/", true}, {"get", "/orders", true}, {"", "GET /orders", true},
	} {
		ctx, outcome := bearer.WithOutcome(t.Context())
		w := httptest.NewRecorder()
		refused := routes.Refuse(w, get().WithContext(ctx), tt.method, tt.pattern)
		event, known := outcome.Refusal()
		if refused != tt.refused || known != tt.refused || refused && (w.Code != 500 || event.Check != "rule") || !refused && w.Body.Len() > 0 {
			t.Errorf("%s %s: refused %v, %d %s", tt.method, tt.pattern, refused, w.Code, w.Body)
		}
	}
}

// A route whose configuration has a mistake is never served, even if the program
// ignores Check.
func TestRoutesWithMistakes(t *testing.T) {
	routes := bearer.NewRoutes(nil)
	route := routes.Route("GET", "/orders", bearer.RouteConfig{Rule: scope.None})
	if got := serve(route, get("Bearer good")); route == nil || got.status != 500 {
		t.Errorf("%v, status %d", route, got.status)
	}
	w := httptest.NewRecorder()
	if !routes.Refuse(w, get(), "GET", "/other") || w.Code != 500 {
		t.Errorf("an undeclared route: %d", w.Code)
	}
	err := routes.Check(maps.All(map[string]string{"GET": "/other"}))
	for _, want := range []string{"New did not build this Guard", "bearer: route GET /orders: ", "bearer: route GET /other has no rule"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
}

// Check names each undeclared route once, in alphabetical order. A router may list
// a route several times, and in any order.
func TestRoutesNamesEachRouteOnce(t *testing.T) {
	routes := bearer.NewRoutes(newGuard(t, bearer.Config{}))
	err := routes.Check(func(yield func(string, string) bool) {
		for _, pattern := range []string{"/c", "/a", "/b", "/a"} {
			if !yield("GET", pattern) {
				return
			}
		}
	})
	const want = "bearer: route GET /a has no rule; register it with a rule, or as public\n" +
		"bearer: route GET /b has no rule; register it with a rule, or as public\n" +
		"bearer: route GET /c has no rule; register it with a rule, or as public"
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant\n%s", err, want)
	}
}

// Check reports that New did not build the guard, even if no route needs it.
func TestRoutesWithoutAGuard(t *testing.T) {
	routes := bearer.NewRoutes(nil)
	routes.Public("GET", "/healthz")
	if err := routes.Check(maps.All(map[string]string{"GET": "/healthz"})); err == nil || !strings.Contains(err.Error(), "New did not build this Guard") {
		t.Errorf("%v", err)
	}
}

// Routes may be registered while the program serves.
func TestRoutesConcurrently(t *testing.T) {
	routes := bearer.NewRoutes(newGuard(t, bearer.Config{}))
	var work sync.WaitGroup
	for range 4 {
		work.Go(func() {
			for range 100 {
				routes.Public("GET", "/healthz")
				routes.Route("GET", "/orders", bearer.RouteConfig{Rule: scope.None})
				if routes.Refuse(httptest.NewRecorder(), get(), "GET", "/healthz") {
					t.Error("a public route is refused")
				}
				_ = routes.Check(maps.All(map[string]string{"GET": "/other"})) // never nil
			}
		})
	}
	work.Wait()
}

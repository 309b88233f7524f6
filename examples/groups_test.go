package examples_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	echov4 "github.com/labstack/echo/v4"
	"github.com/labstack/echo/v5"

	"github.com/bearerkit/bearerkit/adapters/bearerecho"
	"github.com/bearerkit/bearerkit/adapters/bearerecho5"
	"github.com/bearerkit/bearerkit/adapters/bearergin"
	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/scope"
)

// The programs of docs/groups.md, for a nest whose group needs api:read and whose
// route needs things:read.
var groups = map[string]func(guard *bearer.Guard, things http.HandlerFunc) http.Handler{
	"ServeMux": func(guard *bearer.Guard, things http.HandlerFunc) http.Handler {
		api := http.NewServeMux()
		api.Handle("GET /things/{id}", bearerhttp.Require(guard, scope.All("things:read"))(things))
		mux := http.NewServeMux()
		mux.Handle("/api/", bearerhttp.Require(guard, scope.All("api:read"))(http.StripPrefix("/api", api)))
		return mux
	},
	"chi": func(guard *bearer.Guard, things http.HandlerFunc) http.Handler {
		r := chi.NewRouter()
		r.Route("/api", func(r chi.Router) {
			r.Use(bearerhttp.Require(guard, scope.All("api:read")))
			r.With(bearerhttp.Require(guard, scope.All("things:read"))).Get("/things/{id}", things)
		})
		return r
	},
	"Echo v5": func(guard *bearer.Guard, things http.HandlerFunc) http.Handler {
		e := echo.New()
		api := e.Group("/api", bearerecho5.Require(guard, scope.All("api:read")))
		api.GET("/things/:id", echo.WrapHandler(things), bearerecho5.Require(guard, scope.All("things:read")))
		return e
	},
	"Echo v4": func(guard *bearer.Guard, things http.HandlerFunc) http.Handler {
		e := echov4.New()
		api := e.Group("/api", bearerecho.Require(guard, scope.All("api:read")))
		api.GET("/things/:id", echov4.WrapHandler(things), bearerecho.Require(guard, scope.All("things:read")))
		return e
	},
	"Gin": func(guard *bearer.Guard, things http.HandlerFunc) http.Handler {
		gin.SetMode(gin.ReleaseMode)
		engine := gin.New()
		api := engine.Group("/api", bearergin.Require(guard, scope.All("api:read")))
		api.GET("/things/:id", bearergin.Require(guard, scope.All("things:read")), gin.WrapF(things))
		return engine
	},
}

// Checklist C21, reports L13: with each framework, the token is verified once, a
// fresh proof passes both guards once, and a challenge of the route names the union
// of the scopes.
func TestGroups(t *testing.T) {
	for name, mount := range groups {
		t.Run(name, func(t *testing.T) {
			served := 0
			err := bearertest.CheckNesting(func(n bearertest.Nest) http.Handler {
				if n.Group.Optional || n.Route.Optional || n.Route.Guard != n.Group.Guard || len(n.Route.Requirements) > 0 {
					return general(n) // what the page does not show
				}
				served++
				return mount(n.Group.Guard, n.Route.Handler)
			})
			if err != nil || served < 6 {
				t.Errorf("%d cases with the page's program: %v", served, err)
			}
		})
	}
}

// general mounts any nest, on chi.
func general(n bearertest.Nest) http.Handler {
	r := chi.NewRouter()
	r.Route(n.Group.Path, func(r chi.Router) {
		r.Use(bearerhttp.Protect(n.Group.Route()))
		r.With(bearerhttp.Protect(n.Route.Route())).Method(n.Route.Method, n.Route.Path, n.Route.Handler)
	})
	return r
}

// A derived guard needs one middleware for each route, and names the same union.
// chi sets path parameters before the middleware of a route, and after that of a
// group.
func TestGroupsOfChi(t *testing.T) {
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{bearertest.Principals{"token": {Subject: "alice"}}}})
	if err != nil {
		t.Fatal(err)
	}
	own := bearerhttp.Require(guard, scope.None, bearer.SubjectInPath("id"))
	served := func(http.ResponseWriter, *http.Request) {}
	r := chi.NewRouter()
	r.With(bearerhttp.Require(guard.With(scope.All("api:read")), scope.All("things:read"))).Get("/api/things/{id}", served)
	r.With(own).Get("/users/{id}", served)
	r.Route("/group", func(r chi.Router) {
		r.Use(own)
		r.Get("/{id}", served)
	})
	for _, tt := range []struct {
		path   string
		status int
		scope  string // at the end of the challenge
	}{
		{"/api/things/1", 403, `scope="api:read things:read"`},
		{"/users/alice", 200, ""},
		{"/users/bob", 403, ""},
		{"/group/alice", 403, ""},
	} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, tt.path, nil)
		request.Header.Set("Authorization", "Bearer token")
		w := httptest.NewRecorder()
		r.ServeHTTP(w, request)
		if got := w.Header().Get("WWW-Authenticate"); w.Code != tt.status || !strings.HasSuffix(got, tt.scope) || tt.scope == "" && got != "" {
			t.Errorf("%s: %d, challenge %q", tt.path, w.Code, got)
		}
	}
}

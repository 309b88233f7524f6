package bearerhttp

import (
	"net/http"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// Mux is an http.ServeMux whose routes all have a rule or are public: no other
// method registers a handler. Build one with [NewMux].
//
// A Mux sees only its own routes. Answers of http.ServeMux itself (404, 405,
// redirects) need no token, and a handler beside the Mux has no guard.
type Mux struct {
	serve  *http.ServeMux
	routes *bearer.Routes
}

// NewMux returns a Mux without routes. Call [Mux.Check] after the last
// registration.
func NewMux(g *bearer.Guard) *Mux { return &Mux{http.NewServeMux(), bearer.NewRoutes(g)} }

// Group returns a Mux that registers routes in m which also require rule and the
// requirements: see [bearer.Guard.With]. Patterns are whole, as those of m.
func (m *Mux) Group(rule scope.Rule, more ...bearer.Requirement) *Mux {
	return &Mux{m.serve, m.routes.With(rule, more...)}
}

// Handle registers a handler for a pattern of http.ServeMux. The guard passes a
// request to the handler if c allows it, and answers otherwise. If c has a
// mistake, such as no rule, [Mux.Check] reports it, and the route refuses every
// request. Like http.ServeMux, Handle panics if the pattern is invalid or
// conflicts with another one.
func (m *Mux) Handle(pattern string, c bearer.RouteConfig, handler http.Handler) {
	m.serve.Handle(pattern, Protect(m.routes.Route("", pattern, c))(handler))
}

// Public registers a handler that anyone may call, without a guard.
func (m *Mux) Public(pattern string, handler http.Handler) {
	m.routes.Public("", pattern)
	m.serve.Handle(pattern, handler)
}

// Check returns an error that names every route whose configuration has a mistake,
// such as a route without a rule. Call it before the program listens.
func (m *Mux) Check() error { return m.routes.Check(func(func(string, string) bool) {}) }

// ServeHTTP serves the routes of m, and of all groups of m.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.serve.ServeHTTP(w, r) }

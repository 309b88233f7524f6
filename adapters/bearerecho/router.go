package bearerecho

import (
	"errors"

	"github.com/labstack/echo/v4"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// Router registers routes in an Echo, each with a rule or as public. A route that
// the program registers in another way, also for a host of Echo.Host, is named by
// [Router.Check] and refused with 500. Build a Router with [NewRouter].
//
// A Router sees only routes. Handlers of RouteNotFound, the error handler, and
// middleware that answers by itself need no rule.
type Router struct {
	echo   *echo.Echo
	prefix string
	routes *bearer.Routes
	known  *endpoints
}

// NewRouter returns a Router for e. It adds middleware to e that refuses requests
// to routes that are not declared, and uses Echo.OnAddRouteHandler to learn of
// routes: do not replace that function later. Call [Router.Check] after the last
// registration.
func NewRouter(e *echo.Echo, g *bearer.Guard) *Router {
	r := &Router{e, "", bearer.NewRoutes(g), follow(e)}
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			method := c.Request().Method
			pattern, ok := r.known.pattern(endpoint{method, host(c) + c.Path()})
			if ok && r.routes.Refuse(c.Response(), c.Request(), method, pattern) {
				return nil
			}
			return next(c)
		}
	})
	return r
}

// Group returns a Router for the paths below prefix, whose routes also require
// rule and the requirements: see [bearer.Guard.With].
func (r *Router) Group(prefix string, rule scope.Rule, more ...bearer.Requirement) *Router {
	return &Router{r.echo, r.prefix + prefix, r.routes.With(rule, more...), r.known}
}

// Handle registers a route whose guard passes a request to the handler if c allows
// it, and answers otherwise. The middleware runs after the guard. If c has a
// mistake, such as no rule, [Router.Check] reports it, and the route refuses every
// request.
func (r *Router) Handle(method, path string, c bearer.RouteConfig, handler echo.HandlerFunc, middleware ...echo.MiddlewareFunc) {
	path = absolute(r.prefix + path)
	guarded := append([]echo.MiddlewareFunc{Protect(r.routes.Route(method, path, c))}, middleware...)
	r.echo.Add(method, path, handler, guarded...)
	r.known.guard(endpoint{method, path})
}

// Public registers a route that anyone may call, without a guard. If handler is
// nil, it only declares a route that the program registers in another way, such as
// one of Echo's Static.
func (r *Router) Public(method, path string, handler echo.HandlerFunc, middleware ...echo.MiddlewareFunc) {
	path = absolute(r.prefix + path)
	r.routes.Public(method, path)
	if handler != nil {
		r.echo.Add(method, path, handler, middleware...)
	}
}

// Check returns an error that names every route of the Echo without a rule, every
// mistake in a rule, and what [CheckRoutes] reports. Call it after the last
// registration and before the program listens.
func (r *Router) Check() error {
	undeclared := r.routes.Check(func(yield func(method, pattern string) bool) {
		for route := range registered(r.echo) {
			if pattern, ok := r.known.pattern(route); ok {
				route.pattern = pattern
			}
			if !yield(route.method, route.pattern) {
				return
			}
		}
	})
	return errors.Join(undeclared, CheckRoutes(r.echo))
}

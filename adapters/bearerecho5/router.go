package bearerecho5

import (
	"errors"

	"github.com/labstack/echo/v5"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// Router registers routes in an Echo, each with a rule or as public. A route that
// the program registers in another way is named by [Router.Check] and refused
// with 500. Build a Router with [NewRouter].
//
// A Router sees only routes. Handlers of RouteNotFound, the error handler, and
// middleware that answers by itself need no rule. With
// echo.RouterConfig.AllowOverwritingRoute, it does not see that a later
// registration replaces one of its handlers. Use a Router for each Echo of
// echo.NewVirtualHostHandler.
type Router struct {
	echo   *echo.Echo
	prefix string
	routes *bearer.Routes
}

// NewRouter returns a Router for e. It adds middleware to e that refuses requests
// to routes that are not declared. Call [Router.Check] after the last
// registration.
func NewRouter(e *echo.Echo, g *bearer.Guard) *Router {
	routes := bearer.NewRoutes(g)
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			if route := c.RouteInfo(); needsRule(route) && routes.Refuse(c.Response(), c.Request(), route.Method, route.Path) {
				return nil
			}
			return next(c)
		}
	})
	return &Router{e, "", routes}
}

// needsRule reports whether the program registered route. Echo's answers to a
// request that matches no route have no method.
func needsRule(route echo.RouteInfo) bool {
	return route.Method != "" && route.Method != echo.RouteNotFound
}

// Group returns a Router for the paths below prefix, whose routes also require
// rule and the requirements: see [bearer.Guard.With].
func (r *Router) Group(prefix string, rule scope.Rule, more ...bearer.Requirement) *Router {
	return &Router{r.echo, r.prefix + prefix, r.routes.With(rule, more...)}
}

// Handle registers a route whose guard passes a request to the handler if c allows
// it, and answers otherwise. The middleware runs after the guard. If c has a
// mistake, such as no rule, [Router.Check] reports it, and the route refuses every
// request.
func (r *Router) Handle(method, path string, c bearer.RouteConfig, handler echo.HandlerFunc, middleware ...echo.MiddlewareFunc) {
	path = r.pattern(path)
	guarded := append([]echo.MiddlewareFunc{Protect(r.routes.Route(method, path, c))}, middleware...)
	r.echo.Add(method, path, handler, guarded...)
}

// Public registers a route that anyone may call, without a guard. If handler is
// nil, it only declares a route that the program registers in another way, such as
// one of Echo's Static.
func (r *Router) Public(method, path string, handler echo.HandlerFunc, middleware ...echo.MiddlewareFunc) {
	path = r.pattern(path)
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
		for _, route := range r.echo.Router().Routes() {
			if needsRule(route) && !yield(route.Method, absolute(route.Path)) {
				return
			}
		}
	})
	return errors.Join(undeclared, CheckRoutes(r.echo))
}

func (r *Router) pattern(path string) string { return absolute(r.prefix + path) }

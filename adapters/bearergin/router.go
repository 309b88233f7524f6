package bearergin

import (
	"errors"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// Router registers routes in a Gin engine, each with a rule or as public. A route
// that the program registers in the engine in another way is named by
// [Router.Check], and refused with 500 if it is newer than the Router. Build a
// Router with [NewRouter].
//
// A Router sees only routes. Handlers of NoRoute and NoMethod, and middleware
// that answers by itself, need no rule.
type Router struct {
	engine *gin.Engine
	group  *gin.RouterGroup
	routes *bearer.Routes
}

// NewRouter returns a Router for engine. It adds middleware to engine that
// refuses requests to routes that are not declared. Gin runs it neither for routes
// that are registered before, nor for groups that are created before, even if they
// get their routes later. So call NewRouter first, and [Router.Check] after the
// last registration.
func NewRouter(engine *gin.Engine, g *bearer.Guard) *Router {
	routes := bearer.NewRoutes(g)
	engine.Use(func(c *gin.Context) {
		if pattern := c.FullPath(); pattern != "" && routes.Refuse(c.Writer, c.Request, c.Request.Method, pattern) {
			c.Abort()
		}
	})
	return &Router{engine, &engine.RouterGroup, routes}
}

// Group returns a Router for the paths below prefix, whose routes also require
// rule and the requirements: see [bearer.Guard.With].
func (r *Router) Group(prefix string, rule scope.Rule, more ...bearer.Requirement) *Router {
	return &Router{r.engine, r.group.Group(prefix), r.routes.With(rule, more...)}
}

// Handle registers a route whose guard passes a request to the handlers if c
// allows it, and answers otherwise. If c has a mistake, such as no rule,
// [Router.Check] reports it, and the route refuses every request.
func (r *Router) Handle(method, path string, c bearer.RouteConfig, handlers ...gin.HandlerFunc) {
	route := r.routes.Route(method, r.pattern(path), c)
	r.group.Handle(method, path, slices.Concat([]gin.HandlerFunc{Protect(route)}, handlers)...)
}

// Public registers a route that anyone may call, without a guard. Without
// handlers, it only declares a route that the program registers in another way,
// such as one of Gin's Static.
func (r *Router) Public(method, path string, handlers ...gin.HandlerFunc) {
	r.routes.Public(method, r.pattern(path))
	if len(handlers) > 0 {
		r.group.Handle(method, path, handlers...)
	}
}

// Check returns an error that names every route of the engine without a rule, every
// mistake in a rule, and what [CheckRoutes] reports. Call it after the last
// registration and before the program listens.
func (r *Router) Check() error {
	undeclared := r.routes.Check(func(yield func(method, pattern string) bool) {
		for _, route := range r.engine.Routes() {
			if !yield(route.Method, withoutEscapes(route.Path)) {
				return
			}
		}
	})
	return errors.Join(undeclared, CheckRoutes(r.engine))
}

// pattern returns the whole path of a route.
func (r *Router) pattern(relative string) string { return joined(r.group.BasePath(), relative) }

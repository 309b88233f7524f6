// Package bearergin protects Gin handlers with a [bearer.Guard]. It carries
// requests to the guard and decides nothing.
package bearergin

import (
	"errors"

	"github.com/gin-gonic/gin"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// Require returns middleware that lets a request through when its token is
// good, its scopes satisfy rule and every requirement is met; otherwise the
// guard answers. A rule that cannot be panics at registration.
func Require(g *bearer.Guard, rule scope.Rule, more ...bearer.Requirement) gin.HandlerFunc {
	return Protect(g.MustRoute(bearer.RouteConfig{Rule: rule, Requirements: more}))
}

// Optional is [Require] that lets requests without credentials through too, as
// anonymous. Bad credentials are refused as ever.
func Optional(g *bearer.Guard, rule scope.Rule, more ...bearer.Requirement) gin.HandlerFunc {
	return Protect(g.MustRoute(bearer.RouteConfig{Rule: rule, Requirements: more, Optional: true}))
}

// Protect returns middleware for a route that was compiled by
// [bearer.Guard.Route]. Path parameters reach requirements by r.PathValue,
// exactly as c.Param gives them to the handler, so that a policy and its handler
// never see two different values: unescaped, unless UnescapePathValues was turned
// off. A route that has a name twice is answered 500: see [CheckRoutes].
func Protect(route *bearer.Route) gin.HandlerFunc {
	if route == nil {
		panic("bearergin: Protect of a nil route; check the error of Guard.Route")
	}
	return func(c *gin.Context) {
		var few [2][4]string // on the stack
		names, values := few[0][:0], few[1][:0]
		for _, param := range c.Params {
			names, values = append(names, param.Key), append(values, param.Value)
		}
		r, ok := route.AdmitPath(c.Writer, c.Request, names, values)
		if !ok {
			c.Abort()
			return
		}
		c.Request = r
		c.Next()
	}
}

// CheckRoutes reports every route of engine, guarded or not, that has one path
// parameter name twice, such as /users/:id/friends/:id. Gin accepts it, and gives
// a handler the first of the two values. Call it after the last registration.
func CheckRoutes(engine *gin.Engine) error {
	var errs []error
	for _, route := range engine.Routes() {
		errs = append(errs, bearer.CheckPath(route.Method, route.Path))
	}
	return errors.Join(errs...)
}

// Package bearergin protects Gin handlers with a [bearer.Guard]. It carries
// requests to the guard and decides nothing.
package bearergin

import (
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
// exactly as c.Param gives them, so that a policy and its handler never see
// two different values.
func Protect(route *bearer.Route) gin.HandlerFunc {
	return func(c *gin.Context) {
		for _, param := range c.Params {
			c.Request.SetPathValue(param.Key, param.Value)
		}
		r, ok := route.Admit(c.Writer, c.Request)
		if !ok {
			c.Abort()
			return
		}
		c.Request = r
		c.Next()
	}
}

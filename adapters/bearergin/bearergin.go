// Package bearergin protects Gin handlers with a [bearer.Guard]. It passes
// requests to the guard and makes no decisions of its own.
package bearergin

import (
	"github.com/gin-gonic/gin"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// Require returns middleware that passes a request to the handler if its token is
// valid, its scopes satisfy rule and every requirement is met. Otherwise the
// guard answers. Require panics if the rule is invalid.
func Require(g *bearer.Guard, rule scope.Rule, more ...bearer.Requirement) gin.HandlerFunc {
	return Protect(g.MustRoute(bearer.RouteConfig{Rule: rule, Requirements: more}))
}

// Optional is like [Require], but it also passes requests without credentials, as
// anonymous. It still refuses invalid credentials.
func Optional(g *bearer.Guard, rule scope.Rule, more ...bearer.Requirement) gin.HandlerFunc {
	return Protect(g.MustRoute(bearer.RouteConfig{Rule: rule, Requirements: more, Optional: true}))
}

// Protect returns middleware for a route from [bearer.Guard.Route]. Requirements
// read path parameters with r.PathValue, and the handler reads the same values
// with c.Param, so a policy and its handler never see different values. The
// values are unescaped unless gin.Engine.UnescapePathValues is false. A route with
// a repeated parameter name is answered 500; see [CheckRoutes]. The hooks of
// [bearer.Config] read the route's path in http.Request.Pattern. Protect panics if
// route is nil.
func Protect(route *bearer.Route) gin.HandlerFunc {
	if route == nil {
		panic("bearergin: Protect: the route is nil; check the error of Guard.Route")
	}
	return func(c *gin.Context) {
		var few [2][4]string // avoids an allocation for up to four parameters
		names, values := few[0][:0], few[1][:0]
		for _, param := range c.Params {
			names, values = append(names, param.Key), append(values, param.Value)
		}
		c.Request.Pattern = c.FullPath()
		r, ok := route.AdmitPath(c.Writer, c.Request, names, values)
		if !ok {
			c.Abort()
			return
		}
		c.Request = r
		c.Next()
	}
}

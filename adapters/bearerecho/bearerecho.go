// Package bearerecho protects handlers of Echo v4 with a [bearer.Guard]. It passes
// requests to the guard and makes no decisions of its own.
package bearerecho

import (
	"github.com/labstack/echo/v4"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// Require returns middleware that passes a request to the handler if its token is
// valid, its scopes satisfy rule and every requirement is met. Otherwise the
// guard answers. Require panics if the rule is invalid.
func Require(g *bearer.Guard, rule scope.Rule, more ...bearer.Requirement) echo.MiddlewareFunc {
	return Protect(g.MustRoute(bearer.RouteConfig{Rule: rule, Requirements: more}))
}

// Optional is like [Require], but it also passes requests without credentials, as
// anonymous. It still refuses invalid credentials.
func Optional(g *bearer.Guard, rule scope.Rule, more ...bearer.Requirement) echo.MiddlewareFunc {
	return Protect(g.MustRoute(bearer.RouteConfig{Rule: rule, Requirements: more, Optional: true}))
}

// Protect returns middleware for a route from [bearer.Guard.Route]. Requirements
// read path parameters with r.PathValue, and the handler reads the same values
// with c.Param. The values are unescaped, so the handler must not unescape them
// again. Only a "*" parameter with an encoded slash stays encoded: unescaped, it
// would name a path that Echo did not match. A route with a repeated parameter
// name is answered 500; see [CheckRoutes]. The hooks of [bearer.Config] read the
// route's path in http.Request.Pattern. Protect panics if route is nil.
func Protect(route *bearer.Route) echo.MiddlewareFunc {
	if route == nil {
		panic("bearerecho: Protect: the route is nil; check the error of Guard.Route")
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			unescapeParams(c)
			c.Request().Pattern = c.Path()
			r, ok := route.AdmitPath(c.Response(), c.Request(), c.ParamNames(), c.ParamValues())
			if !ok {
				return nil
			}
			c.SetRequest(r)
			return next(c)
		}
	}
}

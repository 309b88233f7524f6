// Package bearerecho protects Echo handlers with a [bearer.Guard]. It carries
// requests to the guard and decides nothing.
package bearerecho

import (
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// Require returns middleware that lets a request through when its token is
// good, its scopes satisfy rule and every requirement is met; otherwise the
// guard answers. A rule that cannot be panics at registration.
func Require(g *bearer.Guard, rule scope.Rule, more ...bearer.Requirement) echo.MiddlewareFunc {
	return Protect(g.MustRoute(bearer.RouteConfig{Rule: rule, Requirements: more}))
}

// Optional is [Require] that lets requests without credentials through too, as
// anonymous. Bad credentials are refused as ever.
func Optional(g *bearer.Guard, rule scope.Rule, more ...bearer.Requirement) echo.MiddlewareFunc {
	return Protect(g.MustRoute(bearer.RouteConfig{Rule: rule, Requirements: more, Optional: true}))
}

// Protect returns middleware for a route that was compiled by
// [bearer.Guard.Route]. Path parameters reach requirements by r.PathValue; they
// are unescaped, as net/http has them, also where Echo leaves them encoded.
func Protect(route *bearer.Route) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			for i, name := range c.ParamNames() {
				value := c.ParamValues()[i]
				if r.URL.RawPath != "" { // only then does Echo match the encoded path
					if unescaped, err := url.PathUnescape(value); err == nil {
						value = unescaped
					}
				}
				r.SetPathValue(name, value)
			}
			r, ok := route.Admit(c.Response(), r)
			if !ok {
				return nil
			}
			c.SetRequest(r)
			return next(c)
		}
	}
}

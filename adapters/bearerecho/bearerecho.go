// Package bearerecho protects Echo handlers with a [bearer.Guard]. It carries
// requests to the guard and decides nothing.
package bearerecho

import (
	"errors"
	"net/url"
	"slices"
	"strings"

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
// [bearer.Guard.Route]. Requirements read path parameters by r.PathValue and the
// handler reads the same values by c.Param: unescaped, so the handler must not
// unescape them again. Only a "*" with an encoded slash stays encoded, since it
// would name a path that Echo did not match. A route that has a name twice is
// answered 500: see [CheckRoutes].
func Protect(route *bearer.Route) echo.MiddlewareFunc {
	if route == nil {
		panic("bearerecho: Protect of a nil route; check the error of Guard.Route")
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			unescapeParams(c)
			r, ok := route.AdmitPath(c.Response(), c.Request(), c.ParamNames(), c.ParamValues())
			if !ok {
				return nil
			}
			c.SetRequest(r)
			return next(c)
		}
	}
}

// unescaped marks a context in which an outer guard has unescaped the parameters.
const unescaped = "github.com/bearerkit/bearerkit/adapters/bearerecho.unescaped"

// unescapeParams unescapes the parameters where Echo has matched the encoded path.
func unescapeParams(c echo.Context) {
	if c.Request().URL.RawPath == "" || c.Get(unescaped) != nil {
		return
	}
	c.Set(unescaped, true)
	values := slices.Clone(c.ParamValues())
	for i, name := range c.ParamNames() {
		plain, err := url.PathUnescape(values[i])
		if err == nil && (name != "*" || strings.Count(plain, "/") == strings.Count(values[i], "/")) {
			values[i] = plain
		}
	}
	c.SetParamValues(values...)
}

// CheckRoutes reports every route of e, guarded or not, that has one path
// parameter name twice, such as /users/:id/friends/:id. Echo accepts it, and
// gives a handler one of the two values. Call it after the last registration.
func CheckRoutes(e *echo.Echo) error {
	routes := e.Routes()
	for _, router := range e.Routers() {
		routes = append(routes, router.Routes()...)
	}
	slices.SortFunc(routes, func(a, b *echo.Route) int { return strings.Compare(a.Path+a.Method, b.Path+b.Method) })
	var errs []error
	for _, route := range routes {
		errs = append(errs, bearer.CheckPath(route.Method, route.Path))
	}
	return errors.Join(errs...)
}

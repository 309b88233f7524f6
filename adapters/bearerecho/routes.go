package bearerecho

import (
	"errors"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/bearerkit/bearerkit/bearer"
)

// CheckRoutes reports every route of e, guarded or not, that repeats a path
// parameter name, such as /users/:id/friends/:id. Echo accepts such a route and
// gives the handler only one of the two values. Call CheckRoutes after the last
// registration.
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

// absolute returns a path as Echo matches and lists it.
func absolute(path string) string { return "/" + strings.TrimPrefix(path, "/") }

package bearerecho5

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/labstack/echo/v5"
)

// CheckRoutes reports every route of e, guarded or not, that repeats a path
// parameter name, such as /users/:id/friends/:id. Echo accepts such a route and
// gives the handler only one of the two values. Call CheckRoutes after the last
// registration. With echo.NewVirtualHostHandler, call it for each host's Echo.
func CheckRoutes(e *echo.Echo) error {
	routes := slices.Clone(e.Router().Routes())
	slices.SortFunc(routes, func(a, b echo.RouteInfo) int { return strings.Compare(a.Path+a.Method, b.Path+b.Method) })
	var errs []error
	for _, route := range routes {
		// These are the names that Echo found: it cuts some names at "\:".
		for i, name := range route.Parameters {
			if slices.Contains(route.Parameters[:i], name) {
				errs = append(errs, fmt.Errorf("bearerecho5: the path of %s %s has the parameter %q twice, so a policy and the handler may read different values; rename one", route.Method, route.Path, name))
				break
			}
		}
	}
	return errors.Join(errs...)
}

// absolute returns a path as Echo matches it.
func absolute(path string) string { return "/" + strings.TrimPrefix(path, "/") }

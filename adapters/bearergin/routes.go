package bearergin

import (
	"errors"
	"path"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/bearerkit/bearerkit/bearer"
)

// CheckRoutes reports every route of engine, guarded or not, that repeats a path
// parameter name, such as /users/:id/friends/:id. Gin accepts such a route and
// gives the handler the first of the two values. Call CheckRoutes after the last
// registration.
func CheckRoutes(engine *gin.Engine) error {
	var errs []error
	for _, route := range engine.Routes() {
		errs = append(errs, bearer.CheckPath(route.Method, route.Path))
	}
	return errors.Join(errs...)
}

// joined returns a path below base, as Gin joins it.
func joined(base, relative string) string {
	whole := base
	if relative != "" {
		whole = path.Join(base, relative)
	}
	if strings.HasSuffix(relative, "/") && !strings.HasSuffix(whole, "/") {
		whole += "/"
	}
	return withoutEscapes(whole)
}

// withoutEscapes returns a path as Gin lists it while it serves: "\:" is a colon.
// Before, Gin lists it as it was registered.
func withoutEscapes(path string) string { return strings.ReplaceAll(path, `\:`, ":") }

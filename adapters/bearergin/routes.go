package bearergin

import (
	"errors"

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

package router

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/bearerkit/bearerkit/adapters/bearerecho"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/reply"
)

// mountEcho mounts the routes on Echo v4, which does not serve HEAD for GET. It
// does not use Echo's logger, which writes query strings.
func mountEcho(guard *bearer.Guard, routes []Route) http.Handler {
	e := echo.New()
	for _, rt := range routes {
		var middleware []echo.MiddlewareFunc
		switch rt.Access {
		case Protected:
			middleware = append(middleware, bearerecho.Require(guard, rt.Rule, rt.Requirements...))
		case Optional:
			middleware = append(middleware, bearerecho.Optional(guard, rt.Rule, rt.Requirements...))
		}
		e.Match(rt.Methods(), colonPath(rt.Path), echo.WrapHandler(rt.Handler), middleware...)
	}
	// Without these routes Echo answers 405, and OPTIONS with 204, by itself.
	for path, allow := range allowedMethods(routes) {
		e.RouteNotFound(colonPath(path), echo.WrapHandler(reply.NotAllowed(allow)))
	}
	// The handlers return no errors, so an error means that no route matched.
	e.HTTPErrorHandler = func(_ error, c echo.Context) { reply.NotFound(c.Response(), c.Request()) }
	return e
}

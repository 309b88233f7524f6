package main

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/bearerkit/bearerkit/adapters/bearerecho"
	"github.com/bearerkit/bearerkit/bearer"
)

// mountEcho mounts the routes on Echo, which does not serve HEAD for GET. Its
// logger is left out, since it writes query strings.
func mountEcho(guard *bearer.Guard, routes []route) http.Handler {
	e := echo.New()
	for _, rt := range routes {
		var middleware []echo.MiddlewareFunc
		switch rt.access {
		case protected:
			middleware = append(middleware, bearerecho.Require(guard, rt.rule, rt.requirements...))
		case optional:
			middleware = append(middleware, bearerecho.Optional(guard, rt.rule, rt.requirements...))
		}
		e.Match(rt.methods(), colonPath(rt.path), echo.WrapHandler(rt.handler), middleware...)
	}
	// Echo asks these before it answers 405, and OPTIONS with 204, by itself.
	for path, allow := range allowedMethods(routes) {
		e.RouteNotFound(colonPath(path), echo.WrapHandler(notAllowed(allow)))
	}
	// No handler here returns an error, so that one says that there is no route.
	e.HTTPErrorHandler = func(_ error, c echo.Context) { notFound(c.Response(), c.Request()) }
	return e
}

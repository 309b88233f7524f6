// Package router mounts one table of routes on net/http, Echo or Gin, so that
// each framework gives the same answers. It also holds the handlers that go in
// front of a framework's router: CORS, the metadata and canonical paths.
package router

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// Access says who may call a route. The zero value is [Protected].
type Access int

const (
	// Protected routes need a token.
	Protected Access = iota
	// Optional routes accept requests without a token, but refuse a bad token.
	Optional
	// Open routes have no guard.
	Open
)

// Route is one route of an API.
type Route struct {
	Method       string
	Path         string // a path parameter is {name}
	Access       Access
	Rule         scope.Rule
	Requirements []bearer.Requirement
	Also         string // what the requirements ask for, for people
	Handler      http.HandlerFunc
}

// Frameworks returns the names that [Mount] accepts.
func Frameworks() []string { return []string{"nethttp", "echo", "echo5", "gin"} }

// Mount returns a handler that serves the routes with a framework.
func Mount(framework string, guard *bearer.Guard, routes []Route) (http.Handler, error) {
	switch framework {
	case "nethttp":
		return mountHTTP(guard, routes), nil
	case "echo5":
		return mountEcho5(guard, routes), nil
	case "echo":
		return mountEcho(guard, routes), nil
	case "gin":
		return mountGin(guard, routes), nil
	}
	return nil, fmt.Errorf("no framework %q", framework)
}

// Methods returns the methods that the route serves. GET includes HEAD (RFC
// 9110, Section 9.3.2).
func (rt Route) Methods() []string {
	if rt.Method == http.MethodGet {
		return []string{http.MethodGet, http.MethodHead}
	}
	return []string{rt.Method}
}

// allMethods returns the methods of all routes.
func allMethods(routes []Route) []string {
	var methods []string
	for _, rt := range routes {
		methods = append(methods, rt.Methods()...)
	}
	slices.Sort(methods)
	return slices.Compact(methods)
}

// allowedMethods returns the value of the Allow field for each path.
func allowedMethods(routes []Route) map[string]string {
	methods := map[string][]string{}
	for _, rt := range routes {
		methods[rt.Path] = append(methods[rt.Path], rt.Methods()...)
	}
	allow := map[string]string{}
	for path, names := range methods {
		slices.Sort(names)
		allow[path] = strings.Join(names, ", ")
	}
	return allow
}

// colonPath returns a path in the syntax of Echo and Gin.
func colonPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

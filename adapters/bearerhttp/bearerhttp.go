// Package bearerhttp protects net/http handlers with a [bearer.Guard]. It
// passes requests to the guard and makes no decisions of its own.
package bearerhttp

import (
	"net/http"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// Require returns middleware that passes a request to the handler if its token is
// valid, its scopes satisfy rule and every requirement is met. Otherwise the
// guard answers. Require panics if the rule is invalid, as http.ServeMux does for
// an invalid pattern.
func Require(g *bearer.Guard, rule scope.Rule, more ...bearer.Requirement) func(http.Handler) http.Handler {
	return Protect(g.MustRoute(bearer.RouteConfig{Rule: rule, Requirements: more}))
}

// Optional is like [Require], but it also passes requests without credentials, as
// anonymous. It still refuses invalid credentials.
func Optional(g *bearer.Guard, rule scope.Rule, more ...bearer.Requirement) func(http.Handler) http.Handler {
	return Protect(g.MustRoute(bearer.RouteConfig{Rule: rule, Requirements: more, Optional: true}))
}

// Protect returns middleware for a route from [bearer.Guard.Route]. Use it for
// settings that [Require] and [Optional] lack. Protect panics if route is nil.
func Protect(route *bearer.Route) func(http.Handler) http.Handler {
	if route == nil {
		panic("bearerhttp: Protect: the route is nil; check the error of Guard.Route")
	}
	return func(next http.Handler) http.Handler {
		if next == nil {
			panic("bearerhttp: the handler is nil")
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r, ok := route.Admit(w, r); ok {
				next.ServeHTTP(w, r)
			}
		})
	}
}

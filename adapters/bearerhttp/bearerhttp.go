// Package bearerhttp protects net/http handlers with a [bearer.Guard]. It
// carries requests to the guard and decides nothing.
package bearerhttp

import (
	"net/http"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// Require returns middleware that lets a request through when its token is
// good, its scopes satisfy rule and every requirement is met; otherwise the
// guard answers. Like a pattern of http.ServeMux, a rule that cannot be panics
// at registration.
func Require(g *bearer.Guard, rule scope.Rule, more ...bearer.Requirement) func(http.Handler) http.Handler {
	return Protect(g.MustRoute(bearer.RouteConfig{Rule: rule, Requirements: more}))
}

// Optional is [Require] that lets requests without credentials through too, as
// anonymous. Bad credentials are refused as ever.
func Optional(g *bearer.Guard, rule scope.Rule, more ...bearer.Requirement) func(http.Handler) http.Handler {
	return Protect(g.MustRoute(bearer.RouteConfig{Rule: rule, Requirements: more, Optional: true}))
}

// Protect returns middleware for a route that was compiled by
// [bearer.Guard.Route], for what [Require] and [Optional] do not say.
func Protect(route *bearer.Route) func(http.Handler) http.Handler {
	if route == nil {
		panic("bearerhttp: Protect of a nil route; check the error of Guard.Route")
	}
	return func(next http.Handler) http.Handler {
		if next == nil {
			panic("bearerhttp: a nil handler")
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r, ok := route.Admit(w, r); ok {
				next.ServeHTTP(w, r)
			}
		})
	}
}

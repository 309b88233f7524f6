package router

import (
	"net/http"

	"github.com/rs/cors"
)

// AllowOrigin lets the pages of one origin call the routes (Fetch Standard,
// Section 3.2). It wraps the guard, so that pages can read refusals, and so that
// preflight requests, which carry no token, do not reach the guard.
//
// Requests from other origins get no CORS fields. That includes preflights.
func AllowOrigin(origin string, routes []Route, next http.Handler) http.Handler {
	allowing := cors.New(cors.Options{
		AllowedOrigins: []string{origin},
		AllowedMethods: allMethods(routes),
		AllowedHeaders: []string{"Authorization", "Content-Type", "DPoP"},
		// A page needs these to act on a refusal. RFC 9449, Section 8 is about
		// the nonce.
		ExposedHeaders: []string{"WWW-Authenticate", "DPoP-Nonce", "Retry-After"},
	}).Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if from := r.Header["Origin"]; len(from) == 1 && from[0] == origin {
			allowing.ServeHTTP(w, r)
			return
		}
		w.Header().Add("Vary", "Origin")
		next.ServeHTTP(w, r)
	})
}

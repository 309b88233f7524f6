package main

import (
	"net/http"

	"github.com/rs/cors"
)

// allowOrigin lets the pages of one origin call the routes (Fetch Standard,
// Section 3.2). It stands outside of everything, so that refusals can be read
// too, and preflights, which carry no token, never reach a guard.
//
// Requests of other origins, preflights included, are requests like any other.
func allowOrigin(origin string, table []route, next http.Handler) http.Handler {
	allowing := cors.New(cors.Options{
		AllowedOrigins: []string{origin},
		AllowedMethods: allMethods(table),
		AllowedHeaders: []string{"Authorization", "Content-Type", "DPoP"},
		// What a page must read of a refusal to act on it; see RFC 9449,
		// Section 8 for the nonce.
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

package main

import "net/http"

// allowOrigin lets the pages of one origin call the API (Fetch Standard,
// Section 3.2). It stands outside of everything, so that refusals can be read
// too, and preflights, which carry no token, never reach a guard.
//
// A preflight from another origin is a request like any other: 405.
func allowOrigin(origin string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		if from := r.Header["Origin"]; len(from) != 1 || from[0] != origin {
			next.ServeHTTP(w, r)
			return
		}
		h.Set("Access-Control-Allow-Origin", origin)
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			// The browser compares these with what it wants to send.
			h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT")
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, DPoP")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		h.Set("Access-Control-Expose-Headers", "WWW-Authenticate, DPoP-Nonce") // RFC 9449, Section 8
		next.ServeHTTP(w, r)
	})
}

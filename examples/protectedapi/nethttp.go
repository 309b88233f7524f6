package main

import (
	"net/http"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
)

// mountHTTP mounts the routes on a ServeMux, which serves HEAD for GET.
func mountHTTP(guard *bearer.Guard, routes []route) http.Handler {
	mux := http.NewServeMux()
	for _, rt := range routes {
		var handler http.Handler = rt.handler
		switch rt.access {
		case protected:
			handler = bearerhttp.Require(guard, rt.rule, rt.requirements...)(handler)
		case optional:
			handler = bearerhttp.Optional(guard, rt.rule, rt.requirements...)(handler)
		}
		mux.Handle(rt.method+" "+rt.path, handler)
	}
	// The mux would answer both as text.
	for path, allow := range allowedMethods(routes) {
		mux.HandleFunc(path, notAllowed(allow))
	}
	mux.HandleFunc("/", notFound)
	return mux
}

package router

import (
	"net/http"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/reply"
)

// mountHTTP mounts the routes on a ServeMux, which serves HEAD for GET.
func mountHTTP(guard *bearer.Guard, routes []Route) http.Handler {
	mux := http.NewServeMux()
	for _, rt := range routes {
		var handler http.Handler = rt.Handler
		switch rt.Access {
		case Protected:
			handler = bearerhttp.Require(guard, rt.Rule, rt.Requirements...)(handler)
		case Optional:
			handler = bearerhttp.Optional(guard, rt.Rule, rt.Requirements...)(handler)
		}
		mux.Handle(rt.Method+" "+rt.Path, handler)
	}
	// The mux itself would answer 404 and 405 with plain text.
	for path, allow := range allowedMethods(routes) {
		mux.HandleFunc(path, reply.NotAllowed(allow))
	}
	mux.HandleFunc("/", reply.NotFound)
	return mux
}

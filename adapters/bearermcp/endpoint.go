package bearermcp

import (
	"net/http"

	"github.com/bearerkit/bearerkit/bearer"
)

// Endpoint protects one MCP endpoint. It is immutable and safe for concurrent
// use. Its zero value is not usable; see [New].
type Endpoint struct {
	route  *bearer.Route
	tools  map[string]*bearer.Route
	busy   *bearer.Route
	bodies bodies
}

// New compiles an endpoint. It reports all mistakes in the configuration at once
// and does no network I/O.
func New(c Config) (*Endpoint, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	return compile(c)
}

// Protect returns a handler that passes a request to next if its token permits
// the request. Otherwise the guard answers. Next is the SDK's streamable HTTP
// handler or wraps it.
func (e *Endpoint) Protect(next http.Handler) http.Handler {
	next = withTokenInfo(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !e.mayCall(r) {
			if r, ok := e.route.Admit(w, r); ok {
				next.ServeHTTP(w, r)
			}
			return
		}
		r, release, ok := e.admitCall(w, r)
		defer release()
		if ok {
			next.ServeHTTP(w, r)
		}
	})
}

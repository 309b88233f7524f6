package bearermcp

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// Endpoint protects one MCP endpoint. It is built by [New], immutable, and safe
// for concurrent use.
type Endpoint struct {
	route   *bearer.Route
	tools   map[string]*bearer.Route
	maxBody int64
}

// New compiles an endpoint. It does no network, and reports all mistakes of the
// configuration at once.
func New(c Config) (*Endpoint, error) {
	var errs []error
	mistake := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("bearermcp: Config."+format, args...))
	}
	if c.Guard == nil {
		mistake("Guard is nil")
	}
	if c.Metadata == nil {
		mistake("Metadata is nil; want what resource.New returns")
	} else if len(c.Metadata.AuthorizationServers()) == 0 {
		mistake("Metadata names no authorization server; MCP clients need one")
	}
	if c.MaxBody < 0 {
		mistake("MaxBody is %d; want a number of bytes", c.MaxBody)
	}
	if c.MaxBody == 0 {
		c.MaxBody = 4 << 20
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if c.Audience == "" {
		c.Audience = c.Metadata.Resource()
	}
	e := &Endpoint{tools: make(map[string]*bearer.Route, len(c.Tools)), maxBody: c.MaxBody}
	compile := func(field string, own, whole scope.Rule) *bearer.Route {
		if own.Names().Has("offline_access") {
			mistake(`%s needs "offline_access", which clients ask the authorization server for by themselves`, field)
		}
		route, err := c.Guard.Route(bearer.RouteConfig{Rule: whole, Requirements: c.Requirements, Audience: c.Audience})
		if err != nil {
			mistake("%s: %w", field, err)
		}
		return route
	}
	e.route = compile("Rule", c.Rule, c.Rule)
	for _, name := range slices.Sorted(maps.Keys(c.Tools)) {
		field := fmt.Sprintf("Tools[%q]", name)
		if name == "" {
			mistake("%s: want the name of a tool", field)
		}
		if e.route != nil { // otherwise this would say the same again
			e.tools[name] = compile(field, c.Tools[name], c.Rule.And(c.Tools[name]))
		}
	}
	if e.route != nil {
		checkGuard(e.route, c.Metadata.URL(), mistake)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return e, nil
}

// Protect returns a handler that hands a request on to next, which is the SDK's
// streamable HTTP handler or stands in front of it, when its token is good for
// it; otherwise the guard answers.
func (e *Endpoint) Protect(next http.Handler) http.Handler {
	next = withTokenInfo(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		route, fault := e.routeFor(r)
		r, ok := route.Admit(w, r)
		switch {
		case !ok:
		case fault != nil:
			http.Error(w, fault.text, fault.status)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

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
	route  *bearer.Route
	tools  map[string]*bearer.Route
	busy   *bearer.Route
	bodies bodies
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
	if c.BodyMemory == 0 {
		c.BodyMemory = 16 * c.MaxBody
	}
	if c.MaxBody > 0 && c.BodyMemory < 2*c.MaxBody {
		mistake("BodyMemory is %d; want at least twice MaxBody, %d", c.BodyMemory, 2*c.MaxBody)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if c.Audience == "" {
		c.Audience = c.Metadata.Resource()
	}
	e := &Endpoint{
		tools: make(map[string]*bearer.Route, len(c.Tools)),
		bodies: bodies{
			largest: c.MaxBody, most: c.BodyMemory, mostOfOne: max(c.BodyMemory/4, 2*c.MaxBody), of: map[string]int64{},
		},
	}
	compile := func(field string, own, whole scope.Rule, more ...bearer.Requirement) *bearer.Route {
		if own.Names().Has("offline_access") {
			mistake(`%s needs "offline_access", which clients ask the authorization server for by themselves`, field)
		}
		route, err := c.Guard.Route(bearer.RouteConfig{
			Rule: whole, Requirements: slices.Concat(c.Requirements, more), Audience: c.Audience,
		})
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
		e.busy = compile("Rule", scope.None, c.Rule, busy)
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

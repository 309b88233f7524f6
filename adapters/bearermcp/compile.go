package bearermcp

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// mistakes collects what is wrong with a Config.
type mistakes []error

func (m *mistakes) add(format string, args ...any) {
	*m = append(*m, fmt.Errorf("bearermcp: Config."+format, args...))
}

// compile builds the routes of an endpoint from a complete Config.
func compile(c Config) (*Endpoint, error) {
	var m mistakes
	e := &Endpoint{
		tools: make(map[string]*bearer.Route, len(c.Tools)),
		bodies: bodies{
			maxBody: c.MaxBody, limit: c.BodyMemory, limitPerCaller: max(c.BodyMemory/4, 2*c.MaxBody),
			byCaller: map[string]int64{},
		},
	}
	e.route = c.route(&m, "Rule", c.Rule, c.Rule)
	for _, name := range slices.Sorted(maps.Keys(c.Tools)) {
		field := fmt.Sprintf("Tools[%q]", name)
		if name == "" {
			m.add("%s: want the name of a tool", field)
		}
		if e.route != nil { // otherwise each tool would repeat the mistake in Rule
			e.tools[name] = c.route(&m, field, c.Tools[name], c.Rule.And(c.Tools[name]))
		}
	}
	if e.route != nil {
		e.busy = c.route(&m, "Rule", scope.None, c.Rule, busy)
		checkGuard(&m, e.route, c.Guard.Sources(), c.Metadata.URL())
	}
	if len(m) > 0 {
		return nil, errors.Join(m...)
	}
	return e, nil
}

// route compiles the route of a field's rule, or records why it cannot. The
// whole rule includes the rule of the endpoint.
func (c *Config) route(m *mistakes, field string, own, whole scope.Rule, more ...bearer.Requirement) *bearer.Route {
	if own.Names().Has("offline_access") {
		m.add(`%s requires "offline_access"; remove it: clients request it from the authorization server themselves`, field)
	}
	route, err := c.Guard.Route(bearer.RouteConfig{
		Rule: whole, Requirements: slices.Concat(c.Requirements, more), Audience: c.Audience,
	})
	if err != nil {
		m.add("%s: %w", field, err)
	}
	return route
}

// checkGuard checks where a guard reads tokens, and its answer to a request without
// one, for which it asks no verifier.
func checkGuard(m *mistakes, route *bearer.Route, sources []bearer.TokenSource, metadata string) {
	bare := &http.Request{Method: http.MethodPost, URL: new(url.URL), Header: http.Header{}}
	for _, challenge := range route.Decide(bare).Challenges() {
		// A realm cannot contain this text, because its quotes are escaped.
		if !strings.Contains(challenge, `resource_metadata="`+metadata+`"`) {
			m.add("Guard: its challenges do not name the metadata; set bearer.Config.ResourceMetadata to %q", metadata)
			break
		}
	}
	for _, source := range sources {
		if source != bearer.FromAuthorization() {
			m.add("Guard accepts tokens from %v; remove it from bearer.Config.Sources (MCP authorization, Token Requirements)", source)
		}
	}
}

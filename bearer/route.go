package bearer

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/bearerkit/bearerkit/internal/weburl"
	"github.com/bearerkit/bearerkit/scope"
)

// RouteConfig configures a [Route].
type RouteConfig struct {
	// Rule is the scopes that the route requires. Required: a route without
	// scopes sets scope.None.
	Rule scope.Rule

	// Requirements are conditions beyond scopes. The guard checks every [StepUp]
	// first, and then the others, in this order. Default: none.
	Requirements []Requirement

	// Audience rejects tokens whose aud does not contain exactly this value, so
	// that a token for one resource of a program never opens another. Default:
	// any audience that the verifiers accept.
	Audience string

	// MaxTokenAge is [Config.MaxTokenAge] for this route. The shorter of both
	// applies. Default: only the guard's.
	MaxTokenAge time.Duration

	// Optional admits requests without credentials as anonymous. Bad credentials
	// are still refused. Default: off.
	Optional bool
}

// Route judges the requests of one route. Build one with [Guard.Route]; the zero
// Route and a nil Route refuse every request. A Route is immutable and safe for
// concurrent use.
type Route struct {
	guard        *Guard
	rule         scope.Rule
	ruleText     string
	needs        scope.Set
	requirements []Requirement
	foreign      bool // see isForeign
	audience     string
	maxTokenAge  time.Duration // zero: any
	optional     bool
	answers      [schemeBoth + 1]answers               // by the scheme of the request
	nested       [schemeBoth + 1]atomic.Pointer[Route] // the last answers with the scopes of outer routes
}

// Route compiles a route. The error reports all mistakes at once.
func (g *Guard) Route(c RouteConfig) (*Route, error) {
	var errs []error
	if !g.isBuilt() {
		errs = append(errs, errors.New("bearer: New did not build this Guard; check the error of New"))
		g = new(Guard)
	}
	if g.group != nil && g.group.err != nil {
		errs = append(errs, g.group.err)
	}
	if err := c.Rule.Err(); err != nil {
		errs = append(errs, fmt.Errorf("bearer: RouteConfig.Rule: %w", err))
	}
	for i, r := range c.Requirements {
		if err := validate(r); err != nil {
			errs = append(errs, fmt.Errorf("bearer: RouteConfig.Requirements[%d]: %w", i, err))
		}
	}
	if c.Audience != "" {
		if err := weburl.CheckAudience(c.Audience); err != nil {
			errs = append(errs, fmt.Errorf("bearer: RouteConfig.Audience %q: %w", c.Audience, err))
		}
	}
	if c.MaxTokenAge < 0 {
		errs = append(errs, fmt.Errorf("bearer: RouteConfig.MaxTokenAge is %v; want a positive duration", c.MaxTokenAge))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	c, g = g.inGroup(c), g.root()
	maxTokenAge := g.maxTokenAge
	if c.MaxTokenAge > 0 && (maxTokenAge == 0 || c.MaxTokenAge < maxTokenAge) {
		maxTokenAge = c.MaxTokenAge
	}
	requirements := compileRequirements(c.Requirements, g.hierarchy)
	needs := c.Rule.Needs().Union(needsOf(requirements))
	rt := &Route{
		guard:        g,
		rule:         c.Rule.Under(g.hierarchy),
		needs:        needs,
		requirements: requirements,
		foreign:      slices.ContainsFunc(requirements, isForeign),
		audience:     c.Audience,
		maxTokenAge:  maxTokenAge,
		optional:     c.Optional,
	}
	rt.ruleText = rt.rule.String()
	for used := range rt.answers {
		rt.answers[used] = g.compile(scheme(used), needs)
	}
	return rt, nil
}

// isBuilt reports whether [Guard.Route] has built rt.
func (rt *Route) isBuilt() bool { return rt != nil && rt.guard != nil }

// MustRoute is like [Guard.Route], but panics if the configuration is invalid, as
// http.ServeMux does for an invalid pattern. Use it when a program registers its
// routes.
func (g *Guard) MustRoute(c RouteConfig) *Route {
	rt, err := g.Route(c)
	if err != nil {
		panic(err)
	}
	return rt
}

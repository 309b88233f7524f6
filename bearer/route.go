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

// RouteConfig is what one route needs.
type RouteConfig struct {
	// Rule says which scopes the route needs. Required; a route that needs
	// none says scope.None.
	Rule scope.Rule

	// Requirements are what it needs beyond scopes, checked in this order
	// after every [StepUp] among them. Default: nothing.
	Requirements []Requirement

	// Audience narrows the tokens that the route takes to those whose aud
	// holds this value, exactly, so that a token for one resource of a
	// program never opens another. Default: any that the verifiers accept.
	Audience string

	// MaxTokenAge is [Config.MaxTokenAge] of this route; the shorter of both
	// holds. Default: the guard's alone.
	MaxTokenAge time.Duration

	// Optional lets requests without credentials in, as anonymous. Bad
	// credentials are refused as ever. Default: credentials are needed.
	Optional bool
}

// Route is the compiled judgement of one route. It is built by [Guard.Route],
// immutable, and safe for concurrent use.
type Route struct {
	guard        *Guard
	rule         scope.Rule
	ruleText     string
	needs        scope.Set
	requirements []Requirement
	audience     string
	maxTokenAge  time.Duration // zero: any
	optional     bool
	answers      [schemeBoth + 1]answers               // by the scheme that was used
	nested       [schemeBoth + 1]atomic.Pointer[Route] // the same with the scopes of the routes around it
}

// Route compiles what a route needs. All mistakes are reported at once.
func (g *Guard) Route(c RouteConfig) (*Route, error) {
	var errs []error
	if g == nil || len(g.verifiers) == 0 {
		errs = append(errs, errors.New("bearer: a Guard that New did not build; check the error of New"))
		g = new(Guard)
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
	maxTokenAge := g.maxTokenAge
	if c.MaxTokenAge > 0 && (maxTokenAge == 0 || c.MaxTokenAge < maxTokenAge) {
		maxTokenAge = c.MaxTokenAge
	}
	// Step-up is judged before policy, so that a policy never sees a principal
	// who is not sufficiently authenticated.
	requirements := make([]Requirement, len(c.Requirements))
	for i, r := range c.Requirements {
		requirements[i] = owned(r)
	}
	slices.SortStableFunc(requirements, func(a, b Requirement) int {
		switch aStep, bStep := isStepUp(a), isStepUp(b); {
		case aStep == bStep:
			return 0
		case aStep:
			return -1
		}
		return 1
	})
	needs := c.Rule.Needs()
	rt := &Route{
		guard:        g,
		rule:         c.Rule.Under(g.hierarchy),
		needs:        needs,
		requirements: requirements,
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

// MustRoute is [Guard.Route] for registration: it panics on a route that
// cannot be, as http.ServeMux does on a pattern.
func (g *Guard) MustRoute(c RouteConfig) *Route {
	rt, err := g.Route(c)
	if err != nil {
		panic(err)
	}
	return rt
}

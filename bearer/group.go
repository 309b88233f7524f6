package bearer

import (
	"errors"
	"fmt"
	"slices"

	"github.com/bearerkit/bearerkit/scope"
)

// group is what the routes of a guard from [Guard.With] require together.
type group struct {
	root         *Guard // from New
	rule         scope.Rule
	requirements []Requirement
	err          error // the mistakes of With, which Route reports
}

// With returns a guard for a group of routes: each of its routes requires rule
// and the requirements in addition to its own. A challenge names the scopes of
// both, and the group's requirements are checked before the route's. Use
// scope.None for a group that has requirements only.
//
// Both guards are the same guard in every other respect. A request that passes
// routes of both is judged once. With can be called on its own result, for a
// group within a group. A mistake in rule or requirements is reported by
// [Guard.Route].
func (g *Guard) With(rule scope.Rule, requirements ...Requirement) *Guard {
	if !g.isBuilt() {
		return nil // Route reports it
	}
	within := &group{root: g.root(), rule: rule, requirements: slices.Clone(requirements)}
	var errs []error
	if err := rule.Err(); err != nil {
		errs = append(errs, fmt.Errorf("bearer: Guard.With: rule: %w", err))
	}
	for i, r := range requirements {
		if err := validate(r); err != nil {
			errs = append(errs, fmt.Errorf("bearer: Guard.With: requirements[%d]: %w", i, err))
			continue
		}
		within.requirements[i] = owned(r) // the caller may change a StepUp later
	}
	if outer := g.group; outer != nil {
		within.rule = needBoth(outer.rule, rule)
		within.requirements = slices.Concat(outer.requirements, within.requirements)
		errs = append(errs, outer.err)
	}
	within.err = errors.Join(errs...)
	derived := *g
	derived.group = within
	return &derived
}

// isBuilt reports whether g is from [New] or [Guard.With].
func (g *Guard) isBuilt() bool { return g != nil && len(g.verifiers) > 0 }

// root returns the guard from [New] that judges the requests of g's routes.
func (g *Guard) root() *Guard {
	if g.group != nil {
		return g.group.root
	}
	return g
}

// inGroup returns c with what the group requires.
func (g *Guard) inGroup(c RouteConfig) RouteConfig {
	if g.group != nil {
		c.Rule = needBoth(g.group.rule, c.Rule)
		c.Requirements = slices.Concat(g.group.requirements, c.Requirements)
	}
	return c
}

// needBoth returns the rule that needs outer and inner. It omits a rule that needs
// nothing, so that the rule in the log is short.
func needBoth(outer, inner scope.Rule) scope.Rule {
	switch {
	case outer.Err() != nil || inner.Err() != nil:
	case outer.Needs().IsEmpty():
		return inner
	case inner.Needs().IsEmpty():
		return outer
	}
	return outer.And(inner)
}

package bearer

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"

	"github.com/bearerkit/bearerkit/scope"
)

// Scope returns a scope rule as a requirement, for [AnyOf]:
//
//	bearer.AnyOf(bearer.Scope(scope.All("admin")), bearer.Role("admin"))
//
// The refusal is 403 insufficient_scope. It names the scopes, since another token
// with them would do. So do the other challenges of the route. Scopes that a route
// always requires belong to [RouteConfig.Rule].
//
// [Config.Hierarchy] applies to the rule of a route's requirement, but not if a
// [RequirementFunc] calls Check.
func Scope(rule scope.Rule) Requirement { return scopes{rule} }

type scopes struct{ rule scope.Rule }

func (q scopes) isMet(p *Principal) bool { return q.rule.Allows(p.Scopes) }

func (q scopes) Check(_ *http.Request, p *Principal) error {
	if q.isMet(p) {
		return nil
	}
	return &Error{
		Code: CodeInsufficientScope, Check: "scope",
		Expected: q.rule.String(), Got: cmp.Or(p.Scopes.String(), "none"), Principal: p, needs: q.needs(),
	}
}

func (q scopes) needs() scope.Set { return q.rule.Needs() }

func (q scopes) under(h scope.Hierarchy) Requirement { return scopes{q.rule.Under(h)} }

func (q scopes) validate() error {
	if err := q.rule.Err(); err != nil {
		return fmt.Errorf("Scope: %w", err)
	}
	if q.rule.Allows(scope.Set{}) {
		return errors.New("Scope with a rule that every token satisfies")
	}
	return nil
}

// needsOf returns the scopes that challenges name because of requirements.
func needsOf(requirements []Requirement) (all scope.Set) {
	for _, r := range requirements {
		if q, ok := r.(interface{ needs() scope.Set }); ok {
			all = all.Union(q.needs())
		}
	}
	return all
}

// under applies a guard's hierarchy to the scopes in a requirement.
func under(r Requirement, h scope.Hierarchy) Requirement {
	if q, ok := r.(interface {
		under(scope.Hierarchy) Requirement
	}); ok {
		return q.under(h)
	}
	return r
}

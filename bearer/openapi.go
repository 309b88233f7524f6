package bearer

import (
	"slices"

	"github.com/bearerkit/bearerkit/scope"
)

// Scopes returns the scopes that a client should request for the route: those
// that its challenges name (RFC 6750, Section 3). A token with these scopes has
// enough scope. Use them in documentation and user interfaces;
// [Route.OpenAPISecurity] also returns the alternatives. A nil Route has no
// scopes.
func (rt *Route) Scopes() scope.Set {
	if !rt.isBuilt() {
		return scope.Set{}
	}
	return rt.needs
}

// OpenAPISecurity returns what an OpenAPI document says about the route: a list
// of Security Requirement Objects (OpenAPI 3.1.0, Section 4.8.30), of which a
// client must satisfy one. The name is that of a scheme of type oauth2 or
// openIdConnect among the document's security schemes:
//
//	Any("reports:read", "admin")  →  [{"oauth2": ["reports:read"]}, {"oauth2": ["admin"]}]
//
// The list has one object for each alternative of the rule, [Scope] and [AnyOf],
// with the scopes in alphabetical order. A requirement that is not about scopes,
// such as a [Role], adds nothing: as an alternative in an AnyOf, it is an object
// without scopes. If there are more than 256 alternatives, the list has only that
// of [Route.Scopes]. A route with [RouteConfig.Optional] also has the empty object,
// which stands for an anonymous request. An empty scheme or a nil Route gives nil.
//
// Under a scheme of type http, OpenAPI 3.1 reads the names as roles, and OpenAPI
// 3.0 forbids them.
func (rt *Route) OpenAPISecurity(scheme string) []map[string][]string {
	if !rt.isBuilt() || scheme == "" {
		return nil
	}
	var security []map[string][]string
	for _, scopes := range rt.alternatives() {
		security = append(security, map[string][]string{scheme: append([]string{}, scopes.Names()...)}) // [] in JSON, never null
	}
	if rt.optional {
		security = append(security, map[string][]string{})
	}
	return security
}

// maxAlternatives is the maximum number of alternatives of a route. Several
// requirements with alternatives multiply them.
const maxAlternatives = 256

// alternatives returns the sets of scopes of which the route needs one, or only
// the set that its challenges name if there are too many.
func (rt *Route) alternatives() []scope.Set {
	all := rt.rule.Alternatives()
	for _, r := range rt.requirements {
		more := alternativesOf(r)
		if len(all)*len(more) > maxAlternatives {
			return []scope.Set{rt.needs}
		}
		all = combined(all, more)
	}
	return all
}

// alternativesOf returns the sets of scopes of which a requirement needs one.
func alternativesOf(r Requirement) []scope.Set {
	if q, ok := r.(interface{ alternatives() []scope.Set }); ok {
		return q.alternatives()
	}
	return []scope.Set{{}}
}

// combined returns the alternatives of a route that needs one of a and one of b.
// It keeps a larger set beside a smaller one, since the smaller one may need more
// than scopes, such as a role.
func combined(a, b []scope.Set) []scope.Set {
	var all []scope.Set
	for _, first := range a {
		for _, second := range b {
			if both := first.Union(second); !slices.Contains(all, both) {
				all = append(all, both)
			}
		}
	}
	return all
}

func (q scopes) alternatives() []scope.Set { return q.rule.Alternatives() }

func (h hidden) alternatives() []scope.Set { return alternativesOf(h.Requirement) }

func (q anyOf) alternatives() []scope.Set {
	var all []scope.Set
	for _, r := range q {
		all = append(all, alternativesOf(r)...)
	}
	return all
}

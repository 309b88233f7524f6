package scope

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Hierarchy declares which scopes imply which others: with
//
//	scope.NewHierarchy(map[string][]string{"admin": {"orders:read", "orders:write"}})
//
// a token of scope admin satisfies a rule that needs orders:read. Implication
// reaches through: what an implied scope implies is implied too. The zero
// Hierarchy implies nothing.
type Hierarchy struct {
	above map[string][]string // a scope, and all scopes that imply it, sorted
}

// NewHierarchy builds a Hierarchy from a map of a scope to those that it
// implies. Illegal names, a scope that implies nothing and cycles are errors;
// all of them are reported at once.
func NewHierarchy(implies map[string][]string) (Hierarchy, error) {
	var errs []error
	for _, from := range slices.Sorted(maps.Keys(implies)) {
		if err := checkName(from); err != nil {
			errs = append(errs, fmt.Errorf("scope: hierarchy: %w", err))
		}
		if len(implies[from]) == 0 {
			errs = append(errs, fmt.Errorf("scope: hierarchy: %s implies nothing; leave it out", quote(from)))
		}
		for _, to := range implies[from] {
			if err := checkName(to); err != nil {
				errs = append(errs, fmt.Errorf("scope: hierarchy: implied by %s: %w", quote(from), err))
			}
		}
	}
	above := make(map[string][]string)
	for _, from := range slices.Sorted(maps.Keys(implies)) {
		below, cycle := reach(implies, from)
		// A cycle is found from each of its members, and told once.
		if cycle != nil && from == slices.Min(cycle) {
			for i := range cycle {
				cycle[i] = quote(cycle[i])
			}
			errs = append(errs, fmt.Errorf("scope: hierarchy: cycle %s", strings.Join(cycle, " → ")))
		}
		for _, to := range below {
			above[to] = append(above[to], from)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return Hierarchy{}, err
	}
	return Hierarchy{above: above}, nil
}

// reach returns all scopes that from implies, directly or not, and the path
// back to from if there is one.
func reach(implies map[string][]string, from string) (below, cycle []string) {
	parent := map[string]string{}
	queue := []string{from}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, to := range implies[at] {
			if to == from {
				for step := at; ; step = parent[step] {
					cycle = append(cycle, step)
					if step == from {
						break
					}
				}
				slices.Reverse(cycle)
				return nil, append(cycle, from)
			}
			if _, seen := parent[to]; !seen {
				parent[to] = at
				below = append(below, to)
				queue = append(queue, to)
			}
		}
	}
	return below, nil
}

// Expand returns granted with everything that it implies.
func (h Hierarchy) Expand(granted Set) Set {
	names := granted.Names()
	for name, above := range h.above {
		if slices.ContainsFunc(above, granted.Has) {
			names = append(names, name)
		}
	}
	return setOf(names)
}

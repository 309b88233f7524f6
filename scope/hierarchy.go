package scope

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Hierarchy declares which scopes imply others. For example, with
//
//	scope.NewHierarchy(map[string][]string{"admin": {"orders:read", "orders:write"}})
//
// a token with the scope admin satisfies a rule that needs orders:read.
// Implication is transitive. In the zero Hierarchy, no scope implies another.
type Hierarchy struct {
	above map[string][]string // for each scope, all scopes that imply it, sorted
}

// NewHierarchy returns a Hierarchy in which each key of the map implies the
// scopes in its value. Illegal names, empty values and cycles are errors. All
// errors are reported at once.
func NewHierarchy(implies map[string][]string) (Hierarchy, error) {
	var errs []error
	for _, from := range slices.Sorted(maps.Keys(implies)) {
		if err := checkName(from); err != nil {
			errs = append(errs, fmt.Errorf("scope: hierarchy: %w", err))
		}
		if len(implies[from]) == 0 {
			errs = append(errs, fmt.Errorf("scope: hierarchy: %s implies nothing; remove it", quote(from)))
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
		// Every member of a cycle finds the cycle; report it once.
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

// reach returns all scopes that from implies, directly or indirectly. If from
// implies itself, reach returns the cycle instead.
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

// Expand returns granted and all scopes that it implies.
func (h Hierarchy) Expand(granted Set) Set {
	names := granted.Names()
	for name, above := range h.above {
		if slices.ContainsFunc(above, granted.Has) {
			names = append(names, name)
		}
	}
	return setOf(names)
}

package scope

import "slices"

// maxAlternatives is the maximum number of alternatives. With And, their number
// grows exponentially, and so does the work to find them.
const maxAlternatives = 256

// Alternatives returns the smallest sets of scopes that satisfy the rule, in the
// order in which the rule names them. A rule that needs no scope has one
// alternative, the empty Set; an invalid rule has none. Scopes that satisfy the
// rule only through a [Hierarchy] are not listed. If there are more than 256
// alternatives, Alternatives returns only one of them, that of [Rule.Needs].
func (r Rule) Alternatives() []Set {
	if all, ok := r.alternatives(); ok {
		return all
	}
	return []Set{r.Needs()}
}

// alternatives returns false if there are too many.
func (r Rule) alternatives() (all []Set, ok bool) {
	var parts [2][]Set
	for i := range r.rules {
		if parts[i], ok = r.rules[i].alternatives(); !ok {
			return nil, false
		}
	}
	switch r.op {
	case opNone, opAll:
		all = []Set{r.Needs()}
	case opAny:
		for i := range min(len(r.names), maxAlternatives+1) {
			all = append(all, setOf([]string{r.names[i].text}))
		}
	case opAnd:
		if len(parts[0])*len(parts[1]) > maxAlternatives {
			return nil, false
		}
		for _, a := range parts[0] {
			for _, b := range parts[1] {
				all = append(all, a.Union(b))
			}
		}
	case opOr:
		all = slices.Concat(parts[0], parts[1])
	}
	return smallest(all), len(all) <= maxAlternatives
}

// smallest returns the sets that contain none of the others, each once.
func smallest(all []Set) []Set {
	var kept []Set
	for _, set := range all {
		larger := func(other Set) bool { return other != set && set.Contains(other) }
		if !slices.Contains(kept, set) && !slices.ContainsFunc(all, larger) {
			kept = append(kept, set)
		}
	}
	return kept
}

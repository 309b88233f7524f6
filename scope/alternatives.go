package scope

import "slices"

// Alternatives returns the smallest sets of scopes that satisfy the rule, in the
// order in which the rule names them. A rule that needs no scope has one
// alternative, the empty Set; an invalid rule has none. Scopes that satisfy the
// rule only through a [Hierarchy] are not listed.
func (r Rule) Alternatives() []Set {
	var all []Set
	switch r.op {
	case opNone, opAll:
		all = []Set{r.Needs()}
	case opAny:
		for i := range r.names {
			all = append(all, setOf([]string{r.names[i].text}))
		}
	case opAnd:
		second := r.rules[1].Alternatives()
		for _, a := range r.rules[0].Alternatives() {
			for _, b := range second {
				all = append(all, a.Union(b))
			}
		}
	case opOr:
		all = slices.Concat(r.rules[0].Alternatives(), r.rules[1].Alternatives())
	}
	return smallest(all)
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

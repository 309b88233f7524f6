package scope

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Rule says which scopes a route needs. The zero Rule is invalid and allows
// nothing; see [Rule.Err]. A route that needs no scope must use [None], so that
// a list that is empty by mistake never opens a route.
type Rule struct {
	op    op
	names []name // of opAll and opAny
	rules []Rule // of opAnd and opOr
	err   error
}

type op uint8

const (
	opInvalid op = iota
	opNone
	opAll
	opAny
	opAnd
	opOr
)

// name is a needed scope with the scopes that imply it.
type name struct {
	text  string
	above []string
}

// None needs no scope: any valid token satisfies it.
var None = Rule{op: opNone}

// All needs all of the names.
func All(names ...string) Rule { return leaf(opAll, "All", names) }

// Any needs at least one of the names. A challenge names only the first,
// because a client must request all scopes in a challenge.
func Any(names ...string) Rule { return leaf(opAny, "Any", names) }

func leaf(op op, function string, names []string) Rule {
	if len(names) == 0 {
		return Rule{err: fmt.Errorf("scope.%s: no names; use scope.None for a route that needs no scope", function)}
	}
	rule := Rule{op: op, names: make([]name, len(names))}
	var errs []error
	for i, n := range names {
		if err := checkName(n); err != nil {
			errs = append(errs, fmt.Errorf("scope.%s: %w", function, err))
		}
		rule.names[i].text = n
	}
	if len(errs) > 0 {
		return Rule{err: errors.Join(errs...)}
	}
	return rule
}

// And needs both r and other.
func (r Rule) And(other Rule) Rule { return join(opAnd, r, other) }

// Or needs r or other. A challenge names the scopes of r.
func (r Rule) Or(other Rule) Rule { return join(opOr, r, other) }

func join(op op, a, b Rule) Rule {
	if err := errors.Join(a.Err(), b.Err()); err != nil {
		return Rule{err: err}
	}
	return Rule{op: op, rules: []Rule{a, b}}
}

// Err returns nil if r is valid. Otherwise it says why: r is the zero Rule, or
// was built without names or with illegal names. An invalid rule allows
// nothing.
func (r Rule) Err() error {
	if r.err == nil && r.op == opInvalid {
		return errors.New("scope: no rule; use scope.None for a route that needs no scope")
	}
	return r.err
}

// Allows reports whether granted satisfies the rule.
func (r Rule) Allows(granted Set) bool {
	switch r.op {
	case opNone:
		return true
	case opAll:
		for i := range r.names {
			if !r.names[i].in(granted) {
				return false
			}
		}
		return true
	case opAny:
		for i := range r.names {
			if r.names[i].in(granted) {
				return true
			}
		}
		return false
	case opAnd:
		return r.rules[0].Allows(granted) && r.rules[1].Allows(granted)
	case opOr:
		return r.rules[0].Allows(granted) || r.rules[1].Allows(granted)
	}
	return false
}

func (n *name) in(granted Set) bool {
	return granted.Has(n.text) || slices.ContainsFunc(n.above, granted.Has)
}

// Needs returns the scopes that a challenge names (RFC 6750, Section 3). A token
// with these scopes satisfies the rule. If the rule has alternatives, Needs
// returns the first.
func (r Rule) Needs() Set {
	switch r.op {
	case opAll:
		texts := make([]string, len(r.names))
		for i := range r.names {
			texts[i] = r.names[i].text
		}
		return setOf(texts)
	case opAny:
		return setOf([]string{r.names[0].text})
	case opAnd:
		return r.rules[0].Needs().Union(r.rules[1].Needs())
	case opOr:
		return r.rules[0].Needs()
	}
	return Set{}
}

// Names returns all scopes in the rule, alternatives included. Resource
// metadata lists these scopes (RFC 9728, Section 2).
func (r Rule) Names() Set {
	texts := make([]string, len(r.names))
	for i := range r.names {
		texts[i] = r.names[i].text
	}
	all := setOf(texts)
	for i := range r.rules {
		all = all.Union(r.rules[i].Names())
	}
	return all
}

// Under returns the rule with a hierarchy applied: any scope that implies a
// name satisfies it too. Needs and Names are unchanged.
func (r Rule) Under(h Hierarchy) Rule {
	if len(h.above) == 0 {
		return r
	}
	r.names = slices.Clone(r.names)
	for i := range r.names {
		r.names[i].above = h.above[r.names[i].text]
	}
	r.rules = slices.Clone(r.rules)
	for i := range r.rules {
		r.rules[i] = r.rules[i].Under(h)
	}
	return r
}

// String describes the rule in words, for logs.
func (r Rule) String() string {
	switch r.op {
	case opNone:
		return "none"
	case opAll, opAny:
		texts := make([]string, len(r.names))
		for i := range r.names {
			texts[i] = r.names[i].text
		}
		if r.op == opAll {
			return "all of " + strings.Join(texts, ", ")
		}
		return "any of " + strings.Join(texts, ", ")
	case opAnd:
		return fmt.Sprintf("(%s) and (%s)", r.rules[0], r.rules[1])
	case opOr:
		return fmt.Sprintf("(%s) or (%s)", r.rules[0], r.rules[1])
	}
	return "invalid"
}

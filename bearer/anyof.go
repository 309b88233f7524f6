package bearer

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/scope"
)

// AnyOf requires at least one of the requirements. It asks those that read only
// the token first, and then the others in the given order, until one is satisfied.
//
// If none is satisfied, one refusal answers: 503 if any of them cannot tell, 403
// insufficient_scope if there is a [Scope] among them, and otherwise the first.
// The log record names all of them.
//
// A [StepUp] or [Hidden] cannot be an alternative. Write Hidden around AnyOf.
func AnyOf(requirements ...Requirement) Requirement { return anyOf(slices.Clone(requirements)) }

type anyOf []Requirement

func (q anyOf) Check(r *http.Request, p *Principal) error {
	for _, req := range q {
		if own, ok := req.(interface{ isMet(p *Principal) bool }); ok && own.isMet(p) {
			return nil
		}
	}
	refusals := make([]*Error, 0, len(q))
	for _, req := range q {
		e := check(req, r, p)
		if e == nil {
			return nil
		}
		refusals = append(refusals, e)
	}
	if len(refusals) == 0 {
		return errors.New("AnyOf without requirements") // Route reports it too
	}
	return oneOf(refusals)
}

// precedence has the codes that answer before the first refusal.
var precedence = []Code{CodeUnavailable, CodeNotFound, CodeInsufficientScope}

// oneOf returns the refusal that answers for all.
func oneOf(refusals []*Error) *Error {
	rank := func(e *Error) int {
		if i := slices.Index(precedence, e.Code); i >= 0 {
			return i
		}
		return len(precedence)
	}
	chosen := slices.MinFunc(refusals, func(a, b *Error) int { return cmp.Compare(rank(a), rank(b)) })
	if len(refusals) == 1 || chosen.Code == CodeUnavailable {
		return chosen
	}
	var expected, got []string
	var causes []error
	for _, e := range refusals {
		expected = append(expected, told(e.Check, e.Expected))
		if e.Got != "" {
			got = append(got, told(e.Check, e.Got))
		}
		causes = append(causes, e.Err)
	}
	all := *chosen
	all.Check, all.Expected, all.Got = "any of", strings.Join(expected, ", or "), strings.Join(got, ", ")
	all.Err = errors.Join(causes...)
	return &all
}

func told(check, text string) string {
	if text == "" {
		return check
	}
	return check + ": " + text
}

// needs returns the scopes of the first alternative that has some.
func (q anyOf) needs() scope.Set {
	for i := range q {
		if needs := needsOf(q[i : i+1]); !needs.IsEmpty() {
			return needs
		}
	}
	return scope.Set{}
}

func (q anyOf) under(h scope.Hierarchy) Requirement {
	q = slices.Clone(q)
	for i, r := range q {
		q[i] = under(r, h)
	}
	return q
}

func (q anyOf) validate() error {
	if len(q) == 0 {
		return errors.New("AnyOf without requirements; want at least one")
	}
	var errs []error
	for i, r := range q {
		err := validate(r)
		if isStepUp(r) {
			err = errors.New("a StepUp, whose challenge would hide the alternatives; make it a requirement of its own")
		} else if _, ok := r.(hidden); ok {
			err = errors.New("Hidden, which the other refusals would reveal; write Hidden(AnyOf(…))")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("AnyOf[%d]: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

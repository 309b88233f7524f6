package conform

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
)

var caseName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// check returns the mistakes of a corpus.
func check(cases []Case) error {
	var mistakes []error
	seen := map[string]bool{}
	for _, c := range cases {
		mistake := func(format string, values ...any) {
			mistakes = append(mistakes, fmt.Errorf("conform: case %q: "+format, append([]any{c.Name}, values...)...))
		}
		if seen[c.Name] {
			mistake("the name occurs twice")
		}
		seen[c.Name] = true
		c.checkText(mistake)
		for i, s := range c.Steps {
			s.check(func(format string, values ...any) {
				mistake(fmt.Sprintf("step %d: ", i+1)+format, values...)
			})
		}
		if c.Steps[0].Same {
			mistake("step 1 has no step before it")
		}
	}
	return errors.Join(mistakes...)
}

func (c Case) checkText(mistake func(string, ...any)) {
	if !caseName.MatchString(c.Name) {
		mistake("a name has lower-case letters, digits and single dashes")
	}
	if levelOrder(c.Level) < 0 {
		mistake("unknown level %q", c.Level)
	}
	for _, text := range []struct{ member, value string }{{"does", c.Does}, {"why", c.Why}} {
		if text.value == "" {
			mistake("no %q", text.member)
		}
	}
	if len(c.Source) == 0 {
		mistake("no source: name the section or the incident")
	}
	for _, need := range slices.Concat(c.Needs, c.Unless) {
		if !slices.Contains(Needs, need) {
			mistake("unknown need %q", need)
		}
	}
}

func (s Step) check(mistake func(string, ...any)) {
	if s.Must.isZero() {
		mistake("nothing must happen, so nothing can fail")
	}
	for _, e := range []Expectation{s.Must, s.Should} {
		for _, pattern := range e.Status {
			if !statusPattern.MatchString(pattern) {
				mistake("status %q: want 401, 4xx or !2xx", pattern)
			}
		}
		if !slices.Contains([]string{"", "present", "absent"}, e.Challenge) {
			mistake("challenge %q: want present or absent", e.Challenge)
		}
	}
	for _, r := range []*Recipe{s.Token, s.Other, s.Proof, s.Proof2} {
		if r != nil && !slices.Contains([]string{"", formJWT, formOpaque}, r.Form) {
			mistake("form %q: want %s or %s", r.Form, formJWT, formOpaque)
		}
	}
	if s.Request != nil && !slices.Contains([]string{"", "main", "strict", "step-up", "optional"}, s.Request.Route) {
		mistake("unknown route %q", s.Request.Route)
	}
}

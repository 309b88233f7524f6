package bearer

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/bearerkit/bearerkit/internal/nilcheck"
	"github.com/bearerkit/bearerkit/scope"
)

// Requirement is a condition of a route beyond scopes, such as ownership, a
// relation or a time of day. Check returns nil to admit the request. The guard
// calls it only after the token, the scopes and every [StepUp] have passed.
//
// The error determines the answer:
//
//   - [Forbid]: 403 with a public reason;
//   - [Unavailable]: 503;
//   - [Invalid]: 401 invalid_token;
//   - the error of a [StepUp]: 401 insufficient_user_authentication;
//   - the error of a [Scope]: 403 insufficient_scope;
//   - any other error: 403 with a fixed text. Only the log shows the error's text.
//
// Check must not change the principal, and must be safe for concurrent use. It
// reads path parameters with r.PathValue, with each framework that has an
// adapter. The handler reads the same values through the framework's own API.
type Requirement interface {
	Check(r *http.Request, p *Principal) error
}

// RequirementFunc is a function as a [Requirement].
type RequirementFunc func(r *http.Request, p *Principal) error

// Check calls f.
func (f RequirementFunc) Check(r *http.Request, p *Principal) error { return f(r, p) }

// SubjectInPath requires that the named path parameter equals the token's
// subject, so that users reach only their own resources. It refuses an absent or
// empty parameter, and a token that a client got for itself, whose subject is not
// a user (RFC 9068, Section 5).
//
// A subject is unique only within its issuer (RFC 7519, Section 4.1.2). If the
// verifiers trust several issuers, use a [RequirementFunc] that also compares
// [Principal.Issuer].
func SubjectInPath(name string) Requirement { return subjectInPath(name) }

type subjectInPath string

func (name subjectInPath) Check(r *http.Request, p *Principal) error {
	e := Forbid("")
	e.Check = "subject in path"
	value := r.PathValue(string(name))
	switch {
	case value == "":
		e.Expected, e.Got = "a path parameter "+string(name), "none"
	case p.IsClient():
		e.Expected, e.Got = "a user's token", "a token that a client got for itself"
	case value != p.Subject:
		e.Expected, e.Got = "the subject in path parameter "+string(name), "another value"
	default:
		return nil
	}
	return e
}

func (name subjectInPath) validate() error {
	if name == "" {
		return errors.New("SubjectInPath without the name of a path parameter")
	}
	return nil
}

// RelationInPath requires that the caller is related to the resource in the named
// path parameter, for example as a member of a team. The function holds receives
// the parameter's value from r.PathValue and reports whether the relation exists.
// If holds returns an error, it cannot tell, and the answer is 503, unless the
// error is an [Error] of another code. RelationInPath refuses an absent or empty
// parameter.
func RelationInPath(name string, holds func(ctx context.Context, p *Principal, value string) (bool, error)) Requirement {
	return relationInPath{name, holds}
}

type relationInPath struct {
	name  string
	holds func(context.Context, *Principal, string) (bool, error)
}

func (q relationInPath) Check(r *http.Request, p *Principal) error {
	refused := Forbid("")
	refused.Check, refused.Expected = "relation in path", "a relation to the resource in path parameter "+q.name
	value := r.PathValue(q.name)
	if value == "" {
		refused.Got = "no such parameter"
		return refused
	}
	held, err := q.holds(r.Context(), p, value)
	switch {
	case err != nil:
		return classify(err, CodeUnavailable)
	case !held:
		refused.Got = "none"
		return refused
	}
	return nil
}

func (q relationInPath) validate() error {
	var errs []error
	if q.name == "" {
		errs = append(errs, errors.New("RelationInPath without the name of a path parameter"))
	}
	if q.holds == nil {
		errs = append(errs, errors.New("RelationInPath without a function"))
	}
	return errors.Join(errs...)
}

// Hidden returns r with 404 in place of its 403, to hide that the resource exists
// (RFC 9110, Section 15.5.4).
func Hidden(r Requirement) Requirement { return hidden{r} }

type hidden struct{ Requirement }

func (h hidden) Check(r *http.Request, p *Principal) error {
	err := h.Requirement.Check(r, p)
	if err == nil {
		return nil
	}
	e := refusal(err)
	if e.Code != CodeForbidden && e.Code != CodeInsufficientScope {
		return e
	}
	concealed := *e
	concealed.Code = CodeNotFound
	return &concealed
}

func (h hidden) validate() error {
	if isStepUp(h.Requirement) {
		return errors.New("Hidden around a StepUp: the client must see its challenge")
	}
	return validate(h.Requirement)
}

func (h hidden) needs() scope.Set { return needsOf([]Requirement{h.Requirement}) }

func (h hidden) under(hierarchy scope.Hierarchy) Requirement {
	return hidden{under(h.Requirement, hierarchy)}
}

// validate reports the mistakes in a requirement when its route is compiled.
func validate(r Requirement) error {
	if nilcheck.IsNil(r) {
		return errors.New("a nil Requirement")
	}
	if v, ok := r.(interface{ validate() error }); ok {
		return v.validate()
	}
	return nil
}

// refusal classifies a requirement's error.
func refusal(err error) *Error {
	if e := classify(err, CodeForbidden); e.Code == CodeInsufficientScope && !e.needs.IsEmpty() {
		return e // of a Scope
	}
	return classifyAmong(err, CodeForbidden,
		CodeForbidden, CodeNotFound, CodeUnavailable, CodeInvalidToken, CodeInsufficientUserAuth)
}

// check asks one requirement.
func check(req Requirement, r *http.Request, p *Principal) *Error {
	err := req.Check(r, p)
	if err == nil {
		return nil
	}
	e := refusal(err)
	if e.Check == "" || e.Principal == nil {
		complete := *e
		if complete.Check == "" {
			complete.Check = "policy"
		}
		complete.Principal = p
		e = &complete
	}
	return e
}

// compileRequirements returns a route's own requirements, in the order in which it
// checks them. Step-up comes before policy, so that a policy never sees a principal
// whose authentication is too weak.
func compileRequirements(given []Requirement, h scope.Hierarchy) []Requirement {
	requirements := make([]Requirement, len(given))
	for i, r := range given {
		requirements[i] = under(owned(r), h)
	}
	slices.SortStableFunc(requirements, func(a, b Requirement) int {
		switch aStep, bStep := isStepUp(a), isStepUp(b); {
		case aStep == bStep:
			return 0
		case aStep:
			return -1
		}
		return 1
	})
	return requirements
}

// isForeign reports whether a requirement calls code from outside this package,
// which gets a copy of the principal. The others only read it.
func isForeign(r Requirement) bool {
	switch r := r.(type) {
	case StepUp, subjectInPath, scopes, anyRole, claim:
		return false
	case hidden:
		return isForeign(r.Requirement)
	case anyOf:
		return slices.ContainsFunc(r, isForeign)
	}
	return true
}

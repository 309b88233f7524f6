package bearer

import (
	"context"
	"errors"
	"net/http"

	"github.com/bearerkit/bearerkit/internal/nilcheck"
)

// Requirement is a condition beyond scopes that a route sets: ownership, a
// relation, a time of day. Check returns nil to let the request in, and is
// asked only about principals whose token, scopes and step-up hold.
//
// Its error decides the answer: [Forbid] is 403 with a public reason,
// [Unavailable] is 503, an error of [Invalid] or of a [StepUp] is what it is
// elsewhere; every other error is 403 with a fixed text, and only the log is
// told what it says.
//
// The principal must not be changed. The path parameters of the route are read
// by r.PathValue, on each framework that has an adapter; the handler reads the
// same values by the framework's own API.
type Requirement interface {
	Check(r *http.Request, p *Principal) error
}

// RequirementFunc is a function as a [Requirement].
type RequirementFunc func(r *http.Request, p *Principal) error

// Check calls f.
func (f RequirementFunc) Check(r *http.Request, p *Principal) error { return f(r, p) }

// SubjectInPath requires that the path parameter of that name is the subject
// of the token: a user reaches what is their own. An absent or empty parameter
// is refused, and so is a token that a client holds for itself, whose subject
// is not a user's (RFC 9068, Section 5).
//
// A subject is unique within its issuer only (RFC 7519, Section 4.1.2). Where
// the verifiers trust several issuers, a [RequirementFunc] must compare
// [Principal.Issuer] too.
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
		e.Expected, e.Got = "a user's token", "a client's own"
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

// RelationInPath requires that the caller stands in a relation to what the path
// parameter of that name names: is a member of the team, may see the account.
// holds is asked with the parameter's value, as r.PathValue gives it. An error
// of it means that nobody can tell, and is answered 503, unless it is an [Error]
// that says otherwise. An absent or empty parameter is refused.
func RelationInPath(name string, holds func(ctx context.Context, p *Principal, value string) (bool, error)) Requirement {
	return relationInPath{name, holds}
}

type relationInPath struct {
	name  string
	holds func(context.Context, *Principal, string) (bool, error)
}

func (q relationInPath) Check(r *http.Request, p *Principal) error {
	refused := Forbid("")
	refused.Check, refused.Expected = "relation in path", "a relation to what path parameter "+q.name+" names"
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

// Hidden is r with 404 in place of its 403, to hide that the resource exists
// (RFC 9110, Section 15.5.4).
func Hidden(r Requirement) Requirement { return hidden{r} }

type hidden struct{ Requirement }

func (h hidden) Check(r *http.Request, p *Principal) error {
	err := h.Requirement.Check(r, p)
	if err == nil {
		return nil
	}
	e := refusal(err)
	if e.Code != CodeForbidden {
		return e
	}
	concealed := *e
	concealed.Code = CodeNotFound
	return &concealed
}

func (h hidden) validate() error {
	if isStepUp(h.Requirement) {
		return errors.New("Hidden around a StepUp, whose answer a client needs to see")
	}
	return validate(h.Requirement)
}

// validate reports what is wrong with a requirement at registration.
func validate(r Requirement) error {
	if nilcheck.IsNil(r) {
		return errors.New("a nil Requirement")
	}
	if v, ok := r.(interface{ validate() error }); ok {
		return v.validate()
	}
	return nil
}

// refusal is what a requirement's error stands for.
func refusal(err error) *Error {
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

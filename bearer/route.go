package bearer

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/internal/weburl"
	"github.com/bearerkit/bearerkit/scope"
)

// RouteConfig is what one route needs.
type RouteConfig struct {
	// Rule says which scopes the route needs. Required; a route that needs
	// none says scope.None.
	Rule scope.Rule

	// Requirements are what it needs beyond scopes, checked in this order
	// after every [StepUp] among them. Default: nothing.
	Requirements []Requirement

	// Audience narrows the tokens that the route takes to those whose aud
	// holds this value, exactly, so that a token for one resource of a
	// program never opens another. Default: any that the verifiers accept.
	Audience string

	// MaxTokenAge is [Config.MaxTokenAge] of this route; the shorter of both
	// holds. Default: the guard's alone.
	MaxTokenAge time.Duration

	// Optional lets requests without credentials in, as anonymous. Bad
	// credentials are refused as ever. Default: credentials are needed.
	Optional bool
}

// Route is the compiled judgement of one route. It is built by [Guard.Route],
// immutable, and safe for concurrent use.
type Route struct {
	guard        *Guard
	rule         scope.Rule
	ruleText     string
	needs        scope.Set
	requirements []Requirement
	audience     string
	maxTokenAge  time.Duration // zero: any
	optional     bool
	answers      [schemeBoth + 1]answers // by the scheme that was used
}

// Route compiles what a route needs. All mistakes are reported at once.
func (g *Guard) Route(c RouteConfig) (*Route, error) {
	var errs []error
	if g == nil || len(g.verifiers) == 0 {
		errs = append(errs, errors.New("bearer: a Guard that New did not build; check the error of New"))
		g = new(Guard)
	}
	if err := c.Rule.Err(); err != nil {
		errs = append(errs, fmt.Errorf("bearer: RouteConfig.Rule: %w", err))
	}
	for i, r := range c.Requirements {
		if err := validate(r); err != nil {
			errs = append(errs, fmt.Errorf("bearer: RouteConfig.Requirements[%d]: %w", i, err))
		}
	}
	if c.Audience != "" {
		if err := weburl.CheckAudience(c.Audience); err != nil {
			errs = append(errs, fmt.Errorf("bearer: RouteConfig.Audience %q: %w", c.Audience, err))
		}
	}
	if c.MaxTokenAge < 0 {
		errs = append(errs, fmt.Errorf("bearer: RouteConfig.MaxTokenAge is %v; want a positive duration", c.MaxTokenAge))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	maxTokenAge := g.maxTokenAge
	if c.MaxTokenAge > 0 && (maxTokenAge == 0 || c.MaxTokenAge < maxTokenAge) {
		maxTokenAge = c.MaxTokenAge
	}
	// Step-up is judged before policy, so that a policy never sees a principal
	// who is not sufficiently authenticated.
	requirements := make([]Requirement, len(c.Requirements))
	for i, r := range c.Requirements {
		requirements[i] = owned(r)
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
	needs := c.Rule.Needs()
	rt := &Route{
		guard:        g,
		rule:         c.Rule.Under(g.hierarchy),
		needs:        needs,
		requirements: requirements,
		audience:     c.Audience,
		maxTokenAge:  maxTokenAge,
		optional:     c.Optional,
	}
	rt.ruleText = rt.rule.String()
	for used := range rt.answers {
		rt.answers[used] = g.compile(scheme(used), needs)
	}
	return rt, nil
}

// MustRoute is [Guard.Route] for registration: it panics on a route that
// cannot be, as http.ServeMux does on a pattern.
func (g *Guard) MustRoute(c RouteConfig) *Route {
	rt, err := g.Route(c)
	if err != nil {
		panic(err)
	}
	return rt
}

// Decision is the judgement of one request. The zero Decision allows nothing.
type Decision struct {
	route       *Route
	admitted    *principalContext // nil: anonymous, or refused; this request's own
	credentials credentials
	err         *Error
}

// Allowed reports whether the request may pass.
func (d Decision) Allowed() bool { return d.route != nil && d.err == nil }

// Principal returns who is calling. It is false if the request was refused, and
// behind optional authentication when there were no credentials.
func (d Decision) Principal() (Principal, bool) {
	if d.admitted == nil || d.err != nil {
		return Principal{}, false
	}
	return d.admitted.principal(), true
}

// Err returns why the request was refused, an [*Error], or nil.
func (d Decision) Err() error {
	switch {
	case d.route == nil:
		return errors.New("bearer: the zero Decision; no request was judged")
	case d.err == nil:
		return nil
	}
	return d.err
}

// Status returns the status of the refusal, or 200.
func (d Decision) Status() int {
	switch {
	case d.route == nil:
		return http.StatusInternalServerError
	case d.err == nil:
		return http.StatusOK
	}
	return d.route.answerTo(d.err, d.credentials.scheme).status
}

// Challenges returns the values of the refusal's WWW-Authenticate fields, one
// for each field line.
func (d Decision) Challenges() []string {
	if d.err == nil {
		return nil
	}
	return slices.Clone(d.route.answerTo(d.err, d.credentials.scheme).challenges)
}

// Decide judges a request. It writes nothing and logs nothing; with
// [Config.FormBodyTokens] it reads a form body and puts the same bytes back,
// with [Config.Proofs] it uses a valid proof up, which is good for one request,
// and with [Config.FailureLimit] it counts a failure.
//
// The order is: credentials, failures before, token, audience, age, deny list,
// binding, scope, step-up, requirements. The first that fails answers. A nil
// Route allows nothing.
func (rt *Route) Decide(r *http.Request) Decision {
	if rt == nil || rt.guard == nil {
		return Decision{}
	}
	d := rt.decide(r)
	rt.guard.failures.count(r, &d.credentials, d.err)
	return d
}

func (rt *Route) decide(r *http.Request) Decision {
	d := Decision{route: rt}
	if rt.guard.passPreflights && isPreflight(r) {
		return d
	}
	if d.credentials, d.err = rt.guard.credentials(r); d.err != nil {
		return d
	}
	if d.credentials.token == "" {
		if !rt.optional {
			d.err = &Error{Code: CodeMissingCredentials, Check: "credentials", Expected: "an access token", Got: "none"}
		}
		return d
	}
	if !rt.guard.onlyJWTs {
		if d.err = checkCharacters(d.credentials.token); d.err != nil {
			return d
		}
	}
	if d.err = rt.guard.failures.check(r); d.err != nil {
		return d
	}
	if rt.guard.proofsRequired && d.credentials.scheme != schemeDPoP {
		d.err = Invalid("scheme", "DPoP (Config.ProofsRequired)", "Bearer")
		return d
	}
	p, err := rt.guard.verify(r.Context(), d.credentials.token)
	if err != nil {
		d.err = err
		return d
	}
	d.admitted = &principalContext{r.Context(), p, "Bearer"}
	if d.credentials.scheme == schemeDPoP {
		d.admitted.tokenType = "DPoP"
	}
	if len(rt.requirements) > 0 || rt.guard.denyList != nil {
		own := d.admitted.principal() // for code that is not ours
		d.admitted.shared = &own
	}
	d.err = rt.judge(r, d.admitted.shared, &d.credentials)
	if d.err != nil && d.err.Principal == p {
		own := d.admitted.principal() // for who gets the error
		d.err.Principal = &own
	}
	return d
}

// judge judges a principal whose token is good.
func (rt *Route) judge(r *http.Request, p *Principal, c *credentials) *Error {
	if e := rt.judgeToken(r, p, c); e != nil {
		e.Principal = p
		return e
	}
	if !rt.rule.Allows(p.Scopes) {
		return &Error{
			Code: CodeInsufficientScope, Check: "scope",
			Expected: rt.ruleText, Got: p.Scopes.String(), Principal: p,
		}
	}
	for _, req := range rt.requirements {
		if err := check(req, r, p); err != nil {
			return err
		}
	}
	return nil
}

// judgeToken judges what makes a token bad that its verifier accepts. The
// binding comes last, since a valid proof is used up by it.
func (rt *Route) judgeToken(r *http.Request, p *Principal, c *credentials) *Error {
	if rt.audience != "" && !p.HasAudience(rt.audience) {
		return Invalid("aud", rt.audience+", the route's", strings.Join(p.audience, " "))
	}
	if e := checkAge(p, rt.maxTokenAge); e != nil {
		return e
	}
	if e := rt.guard.checkDenied(r, p); e != nil {
		return e
	}
	return rt.guard.checkBinding(r, p, c)
}

// Admit judges a request. If it may pass, Admit returns the request to hand on,
// whose context carries the [Principal], and true. Otherwise it has answered
// the request and returns false; nothing more may be written.
func (rt *Route) Admit(w http.ResponseWriter, r *http.Request) (*http.Request, bool) {
	d := rt.Decide(r)
	if d.route == nil {
		http.Error(w, "This route has no guard.", http.StatusInternalServerError)
		return nil, false
	}
	if d.err != nil {
		rt.refuse(w, r, &d)
		return nil, false
	}
	if d.credentials.inQuery {
		if h := w.Header(); !strings.Contains(h.Get("Cache-Control"), "no-store") {
			h.Set("Cache-Control", "private") // RFC 6750, Section 2.3
		}
	}
	if d.credentials.scheme == schemeDPoP {
		rt.guard.giveNonce(w.Header())
	}
	if d.admitted != nil {
		r = r.WithContext(d.admitted)
	}
	rt.guard.tellAdmitted(r)
	return r, true
}

func (rt *Route) refuse(w http.ResponseWriter, r *http.Request, d *Decision) {
	g := rt.guard
	a := rt.answerTo(d.err, d.credentials.scheme)
	if g.proofs != nil && a.status == http.StatusUnauthorized && d.credentials.scheme&schemeDPoP != 0 {
		g.giveNonce(w.Header())
	}
	if len(a.challenges) > 0 {
		expose(w.Header(), "WWW-Authenticate")
	}
	f := a.form(g.problem || wantsProblem(r.Header["Accept"]))
	body := make([]byte, 0, len(f.prefix)+requestIDLen+len(suffix))
	body = g.appendRequestID(append(body, f.prefix...), r)
	id := body[len(f.prefix):]
	g.audit(r, d.err, d.credentials.token, id, a.status)
	body = append(body, suffix...)
	retryAfter := d.err.RetryAfter
	if retryAfter <= 0 {
		retryAfter = g.retryAfter
	}
	a.write(w, r, f, body, len(id), retryAfter)
}

// isPreflight reports whether r is a CORS preflight: OPTIONS with an Origin and
// an Access-Control-Request-Method, and nothing less.
func isPreflight(r *http.Request) bool {
	origin, method := r.Header["Origin"], r.Header["Access-Control-Request-Method"]
	return r.Method == http.MethodOptions &&
		len(origin) == 1 && origin[0] != "" && len(method) == 1 && method[0] != ""
}

package bearer

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Decision is the judgement of one request. The zero Decision allows nothing.
type Decision struct {
	route       *Route
	outer       *principalContext // of the routes that the request has passed before; nil: none
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
	return d.answer().status
}

// Challenges returns the values of the refusal's WWW-Authenticate fields, one
// for each field line.
func (d Decision) Challenges() []string {
	if d.err == nil {
		return nil
	}
	return slices.Clone(d.answer().challenges)
}

// Decide judges a request. It writes nothing and logs nothing; with
// [Config.FormBodyTokens] it reads a form body and puts the same bytes back,
// with [Config.Proofs] it uses up the proof of a request that may pass, and with
// [Config.FailureLimit] it counts a failure.
//
// The order is: credentials, failures before, token, audience, age, deny list,
// binding, scope, step-up, requirements. The first that fails answers. Last of
// all the proof is used up, so that a request which is refused for anything else
// does not cost the client its proof.
//
// A request that a route of the same guard has let in, or authenticated, is
// judged once: for 10 s, if it still carries the same token under the same
// scheme, its token is not verified again, nor looked up in the deny list; and
// its proof is not used again. Everything else is the route's own.
//
// A nil Route allows nothing.
func (rt *Route) Decide(r *http.Request) Decision {
	if !rt.isBuilt() {
		return Decision{}
	}
	d := rt.decide(r, true)
	rt.guard.failures.count(r, &d.credentials, d.err)
	return d
}

// decide judges a request: all of it, or the token alone.
func (rt *Route) decide(r *http.Request, all bool) Decision {
	g := rt.guard
	d := Decision{route: rt, outer: judgedBefore(r.Context())}
	if g.passPreflights && isPreflight(r) {
		return d
	}
	if d.credentials, d.err = g.credentials(r); d.err != nil {
		return d
	}
	if d.credentials.token == "" {
		if !rt.optional {
			d.err = &Error{Code: CodeMissingCredentials, Check: "credentials", Expected: "an access token", Got: "none"}
		}
		return d
	}
	before := d.outer.judgementOf(g, &d.credentials)
	var p *Principal
	var at time.Duration
	if before != nil {
		p, at = before.verified, before.at
	} else if p, d.err = g.judgeToken(r, &d.credentials); d.err != nil {
		return d
	} else {
		at = time.Since(g.began)
	}
	d.admitted = &principalContext{Context: r.Context(), shared: p, judged: judgement{
		route: rt, outer: d.outer, verified: p, token: d.credentials.token, at: at, scheme: d.credentials.scheme, tokenOnly: !all,
	}}
	if len(rt.requirements) > 0 || g.denyList != nil {
		own := d.admitted.principal() // for code that is not ours
		d.admitted.shared = &own
	}
	d.err = rt.judge(r, &d, before != nil, all)
	if d.err != nil && d.err.Principal == p {
		own := d.admitted.principal() // for who gets the error
		d.err.Principal = &own
	}
	return d
}

// judgeToken asks the verifiers about a token that no route has judged before.
func (g *Guard) judgeToken(r *http.Request, c *credentials) (*Principal, *Error) {
	if !g.onlyJWTs {
		if err := checkCharacters(c.token); err != nil {
			return nil, err
		}
	}
	if err := g.failures.check(r); err != nil {
		return nil, err
	}
	if g.proofsRequired && c.scheme != schemeDPoP {
		return nil, Invalid("scheme", "DPoP (Config.ProofsRequired)", "Bearer")
	}
	return g.verify(r.Context(), c.token)
}

// judge judges a principal whose token its verifier accepts, of which a route of
// the guard may know already that it is not denied: all of it, or what makes a
// token bad.
func (rt *Route) judge(r *http.Request, d *Decision, known, all bool) *Error {
	p := d.admitted.shared
	if e := rt.judgePrincipal(r, d, known); e != nil {
		e.Principal = p
		return e
	}
	if !all {
		return nil
	}
	if !rt.rule.Allows(p.Scopes) {
		return &Error{
			Code: CodeInsufficientScope, Check: "scope",
			Expected: rt.ruleText, Got: cmp.Or(p.Scopes.String(), "none"), Principal: p,
		}
	}
	for _, req := range rt.requirements {
		if err := check(req, r, p); err != nil {
			return err
		}
	}
	if e := useProof(r, d.admitted.judged.proof); e != nil {
		e.Principal = p
		return e
	}
	return nil
}

// judgePrincipal judges what makes a token bad that its verifier accepts.
func (rt *Route) judgePrincipal(r *http.Request, d *Decision, known bool) *Error {
	p := d.admitted.shared
	if rt.audience != "" && !p.HasAudience(rt.audience) {
		return Invalid("aud", rt.audience+", the route's", cmp.Or(strings.Join(p.audience, " "), "none"))
	}
	if e := checkAge(p, rt.maxTokenAge); e != nil {
		return e
	}
	if !known {
		if e := rt.guard.checkDenied(r, p); e != nil {
			return e
		}
	}
	return rt.guard.checkBinding(r, d)
}

// checkAge judges how long ago a token was issued. No leeway stretches it, and
// a token that does not say may be of any age.
func checkAge(p *Principal, most time.Duration) *Error {
	if most <= 0 {
		return nil
	}
	expected := "issued within " + most.String() + " (MaxTokenAge)"
	if p.IssuedAt.IsZero() {
		return Invalid("iat", expected, "none")
	}
	if age := time.Since(p.IssuedAt); age > most {
		return Invalid("iat", expected, age.Truncate(time.Second).String()+" ago")
	}
	return nil
}

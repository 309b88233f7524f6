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
	outer       *principalContext // of the outer routes that admitted the request; nil: none
	admitted    *principalContext // nil: anonymous, or no token was accepted
	credentials credentials
	err         *Error
}

// Allowed reports whether the request may pass.
func (d Decision) Allowed() bool { return d.route != nil && d.err == nil }

// Principal returns the caller. It returns false for a refused request and for an
// anonymous one.
func (d Decision) Principal() (Principal, bool) {
	if d.admitted == nil || d.admitted.shared == nil || d.err != nil {
		return Principal{}, false
	}
	return d.admitted.principal(), true
}

// Scheme returns the scheme of the request's credentials: "Bearer" or "DPoP". It
// is empty for a request without credentials, and for credentials under both.
func (d Decision) Scheme() string {
	switch d.credentials.scheme {
	case schemeBearer:
		return "Bearer"
	case schemeDPoP:
		return "DPoP"
	}
	return ""
}

// Err returns the reason for the refusal, an [*Error], or nil if the request may
// pass.
func (d Decision) Err() error {
	switch {
	case d.route == nil:
		return errors.New("bearer: the zero Decision; no request was judged")
	case d.err == nil:
		return nil
	}
	return d.err
}

// Status returns the status of the refusal, or 200 if the request may pass.
func (d Decision) Status() int {
	switch {
	case d.route == nil:
		return http.StatusInternalServerError
	case d.err == nil:
		return http.StatusOK
	}
	return d.answer().status
}

// Challenges returns the WWW-Authenticate field lines of the refusal.
func (d Decision) Challenges() []string {
	if d.err == nil {
		return nil
	}
	return slices.Clone(d.answer().challenges)
}

// Decide judges a request. It writes no answer and no log record, but it may
// change state: with [FromFormBody] it reads a form body and restores it, with
// [Config.Proofs] it marks the proof of a request that may pass as used, and with
// [Config.FailureLimit] it counts a failure.
//
// Decide checks, in this order: credentials, earlier failures, token, audience,
// age, deny list, binding, scope, step-up, requirements. The first check that
// fails determines the answer. Decide uses the proof last, so that a request that
// is refused for another reason does not cost the client its proof.
//
// A request that passes several routes of one guard has its token judged once:
// for 10 s after a route admits or authenticates the request, the inner routes
// neither verify the same token again nor look it up in the deny list, and its
// proof is not used again. Each route makes all other checks itself.
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

// decide judges a request, or only its token if all is false.
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
		route: rt, outer: d.outer, verified: p, token: d.credentials.token, at: at,
		scheme: d.credentials.scheme, source: d.credentials.source, tokenOnly: !all,
	}}
	if rt.foreign || g.denyList != nil {
		own := d.admitted.principal() // third-party code gets a copy
		d.admitted.shared = &own
	}
	d.err = rt.judge(r, &d, before != nil, all)
	if d.err != nil && d.err.Principal == p {
		own := d.admitted.principal() // readers of the error get a copy
		d.err.Principal = &own
	}
	return d
}

// judgeToken asks the verifiers about a token that no outer route has judged.
func (g *Guard) judgeToken(r *http.Request, c *credentials) (*Principal, *Error) {
	if !g.onlyJWTs {
		if err := checkToken68(c.token); err != nil {
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

// judge judges a request whose token a verifier has accepted. If known is true,
// an outer route has asked the deny list. If all is false, judge makes only the
// checks that can make the token invalid.
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

// judgePrincipal makes the guard's own checks of an accepted token: audience, age,
// deny list and binding.
func (rt *Route) judgePrincipal(r *http.Request, d *Decision, known bool) *Error {
	p := d.admitted.shared
	if rt.audience != "" && !p.HasAudience(rt.audience) {
		return Invalid("aud", rt.audience+" (RouteConfig.Audience)", cmp.Or(strings.Join(p.audience, " "), "none"))
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

// checkAge judges how long ago a token was issued, without any leeway. It rejects
// a token without iat, which may be of any age.
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

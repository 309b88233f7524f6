package bearer

import (
	"net/http"
	"time"
)

// Admit judges a request. If the request may pass, Admit returns the request to
// pass to the handler, whose context carries the [Principal], and true.
// Otherwise Admit has answered the request and returns false; the caller must
// not write anything more.
func (rt *Route) Admit(w http.ResponseWriter, r *http.Request) (*http.Request, bool) {
	if !rt.isBuilt() {
		answerWithoutGuard(w)
		return nil, false
	}
	began := rt.guard.startTimer()
	d := rt.Decide(r)
	if d.err != nil {
		rt.refuse(w, r, &d, began)
		return nil, false
	}
	rt.guard.removeProtocols(r)
	if d.credentials.forgeable() {
		makePrivate(w.Header())
	}
	if d.credentials.scheme == schemeDPoP {
		rt.guard.giveNonce(w.Header())
	}
	if d.admitted == nil && (!rt.needs.IsEmpty() || rt.guard.onAdmit != nil || rt.guard.onDecision != nil || r.Context().Value(principalKey{}) != nil) {
		// The request is anonymous, even if an outer route of another guard
		// admitted a principal. An inner route that requires a token includes
		// the scopes of this route in its challenges.
		d.admitted = &principalContext{Context: r.Context(), judged: judgement{route: rt, outer: d.outer}}
	}
	if d.admitted != nil {
		r = r.WithContext(d.admitted)
	}
	first := !d.outer.admittedBy(rt.guard, d.credentials.token)
	if first {
		rt.guard.observe(r, &d, began)
	}
	rt.guard.recordAdmission(r, first)
	return r, true
}

func answerWithoutGuard(w http.ResponseWriter) {
	http.Error(w, "This route has no guard.", http.StatusInternalServerError)
}

// Authenticate judges only the token of a request: credentials, earlier
// failures, token, audience, age, deny list and binding, but neither scopes nor
// requirements. It does not mark a proof as used. Use Authenticate if the
// program must know the caller before it can choose the route, for example
// because the route depends on the body.
//
// If the token is good, or the route is optional and the request has no token,
// Authenticate returns true and the request to pass to [Route.Admit] of this
// route, or of another route of the same guard. Admit continues from there. Only
// Admit admits the request: until then the request's context carries no
// principal. Otherwise Authenticate has answered the request and returns false;
// the caller must not write anything more.
func (rt *Route) Authenticate(w http.ResponseWriter, r *http.Request) (next *http.Request, p Principal, ok bool) {
	if !rt.isBuilt() {
		answerWithoutGuard(w)
		return nil, Principal{}, false
	}
	began := rt.guard.startTimer()
	d := rt.decide(r, false)
	rt.guard.failures.count(r, &d.credentials, d.err)
	if d.err != nil {
		rt.refuse(w, r, &d, began)
		return nil, Principal{}, false
	}
	rt.guard.removeProtocols(r)
	if d.admitted == nil {
		return r, Principal{}, true
	}
	p = d.admitted.principal()
	d.admitted.shared = nil // the request is not admitted yet
	return r.WithContext(d.admitted), p, true
}

func (rt *Route) refuse(w http.ResponseWriter, r *http.Request, d *Decision, began time.Duration) {
	g := rt.guard
	g.removeProtocols(r) // before a hook sees r
	g.observe(r, d, began)
	a := d.answer()
	if g.proofs != nil && a.status == http.StatusUnauthorized && d.credentials.scheme&schemeDPoP != 0 {
		g.giveNonce(w.Header())
	}
	if len(a.challenges) > 0 {
		expose(w.Header(), "WWW-Authenticate")
	}
	f := a.form(g.problem || wantsProblem(r.Header["Accept"]))
	body := make([]byte, 0, len(f.prefix)+randomIDLen+len(bodyEnd))
	body = g.appendRequestID(append(body, f.prefix...), r)
	id := body[len(f.prefix):]
	retryAfter := d.err.RetryAfter
	if retryAfter <= 0 {
		retryAfter = g.retryAfter
	}
	g.record(r, d.err, d.credentials.token, a, id, retryAfter)
	body = append(body, bodyEnd...)
	if own, ownBody, ok := g.ownBody(r, a, id, retryAfter); ok {
		f, body = own, ownBody
	}
	a.write(w, r, f, body, retryAfter)
}

// startTimer returns the time since the guard was built, by the monotonic clock
// alone, if [Config.OnDecision] needs it.
func (g *Guard) startTimer() (began time.Duration) {
	if g.onDecision != nil {
		began = time.Since(g.began)
	}
	return began
}

// observe calls OnDecision.
func (g *Guard) observe(r *http.Request, d *Decision, began time.Duration) {
	if g.onDecision != nil {
		g.onDecision(r, *d, time.Since(g.began)-began)
	}
}

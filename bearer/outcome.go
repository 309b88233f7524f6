package bearer

import (
	"context"
	"net/http"
	"sync/atomic"
)

// Outcome tells a handler outside a guard what the guard decided about the
// request, for example for an access log. Create one with [WithOutcome]. An Outcome
// is safe for concurrent use, even while the inner handler is running.
//
// If a request passes several routes, the last decision counts: a request that
// the first route admits and the second one refuses is refused.
type Outcome struct {
	outer *Outcome // the Outcome of the next outer handler; nil: none
	last  atomic.Pointer[lastDecision]
}

// lastDecision is one decision. It is immutable.
type lastDecision struct {
	principal Principal
	known     bool // false for an anonymous request
	refused   bool
	refusal   Event
	public    PublicError
}

type outcomeKey struct{}

// WithOutcome returns a copy of ctx and the Outcome that [Route.Admit] sets for a
// request with that context. The guard passes a new request to the inner
// handler, so the outer handler never sees the context in which [FromContext]
// finds the principal:
//
//	ctx, outcome := bearer.WithOutcome(r.Context())
//	next.ServeHTTP(w, r.WithContext(ctx))
//	p, known := outcome.Principal()
//
// Several handlers may watch one request, each through its own Outcome.
func WithOutcome(ctx context.Context) (context.Context, *Outcome) {
	o := &Outcome{outer: outcomeOf(ctx)}
	return context.WithValue(ctx, outcomeKey{}, o), o
}

func outcomeOf(ctx context.Context) *Outcome {
	o, _ := ctx.Value(outcomeKey{}).(*Outcome)
	return o
}

// Admitted reports whether the request was admitted.
func (o *Outcome) Admitted() bool {
	d := o.last.Load()
	return d != nil && !d.refused
}

// Principal returns the caller of an admitted request. It returns false for an
// anonymous or refused request, and while no guard has decided.
func (o *Outcome) Principal() (Principal, bool) {
	d := o.last.Load()
	if d == nil || d.refused || !d.known {
		return Principal{}, false
	}
	return d.principal, true
}

// Refusal returns the record of the refusal, the same that [Config.OnRefusal]
// receives. It returns false for an admitted request, and while no guard has
// decided.
func (o *Outcome) Refusal() (Event, bool) {
	d := o.last.Load()
	if d == nil || !d.refused {
		return Event{}, false
	}
	return d.refusal, true
}

// PublicError returns what the client may know about the refusal, the same that
// [Config.ErrorBody] receives. It returns false for an admitted request, and while
// no guard has decided.
func (o *Outcome) PublicError() (PublicError, bool) {
	d := o.last.Load()
	if d == nil || !d.refused {
		return PublicError{}, false
	}
	return d.public, true
}

// set sets the decision in o and in the outcomes of all outer handlers.
func (o *Outcome) set(d *lastDecision) {
	for ; o != nil; o = o.outer {
		o.last.Store(d)
	}
}

// recordAdmission stores in the outcome that the request is admitted. It calls
// OnAdmit if this is the first route of the guard to admit the request. r is the
// request that the handler receives.
func (g *Guard) recordAdmission(r *http.Request, first bool) {
	if o := outcomeOf(r.Context()); o != nil {
		p, known := FromContext(r.Context())
		o.set(&lastDecision{principal: p, known: known})
	}
	if first && g.onAdmit != nil {
		g.onAdmit(r)
	}
}

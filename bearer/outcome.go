package bearer

import (
	"context"
	"net/http"
	"sync/atomic"
)

// Outcome tells a handler outside a guard what the guard decided about the
// request, such as for an access log. It is made by [Watch] and is safe for
// concurrent use, also while the handler inside still runs.
//
// Where a request passes several routes, the last decision counts: a request
// that the first one lets in and the second one refuses is refused.
type Outcome struct {
	outer *Outcome // that a handler further outside watches; nil: none
	last  atomic.Pointer[decided]
}

// decided is one decision. It does not change.
type decided struct {
	principal Principal
	known     bool // false for an anonymous request
	refused   bool
	refusal   Event
}

type outcomeKey struct{}

// Watch returns a copy of ctx and the Outcome that [Route.Admit] fills for a
// request with that context. A handler inside gets a request of its own, by
// r.WithContext, so the one outside never sees the context in which
// [FromContext] finds the principal:
//
//	ctx, outcome := bearer.Watch(r.Context())
//	next.ServeHTTP(w, r.WithContext(ctx))
//	p, known := outcome.Principal()
//
// Several handlers may watch one request, each by its own Outcome.
func Watch(ctx context.Context) (context.Context, *Outcome) {
	o := &Outcome{outer: outcomeOf(ctx)}
	return context.WithValue(ctx, outcomeKey{}, o), o
}

func outcomeOf(ctx context.Context) *Outcome {
	o, _ := ctx.Value(outcomeKey{}).(*Outcome)
	return o
}

// Admitted reports whether the request was let in.
func (o *Outcome) Admitted() bool {
	d := o.last.Load()
	return d != nil && !d.refused
}

// Principal returns who called, if the request was let in. It is false for an
// anonymous request, for a refused one, and as long as no guard has decided.
func (o *Outcome) Principal() (Principal, bool) {
	d := o.last.Load()
	if d == nil || d.refused || !d.known {
		return Principal{}, false
	}
	return d.principal, true
}

// Refusal returns the record of the refusal, as [Config.OnRefusal] gets it. It is
// false for a request that was let in, and as long as no guard has decided.
func (o *Outcome) Refusal() (Event, bool) {
	d := o.last.Load()
	if d == nil || !d.refused {
		return Event{}, false
	}
	return d.refusal, true
}

// note fills o and those further outside.
func (o *Outcome) note(d *decided) {
	for ; o != nil; o = o.outer {
		o.last.Store(d)
	}
}

// tellAdmitted notes in the outcome that the request is let in, and calls the
// hook if this is the first route of the guard that lets it in. r is the request
// that the handler gets.
func (g *Guard) tellAdmitted(r *http.Request, first bool) {
	if o := outcomeOf(r.Context()); o != nil {
		p, known := FromContext(r.Context())
		o.note(&decided{principal: p, known: known})
	}
	if first && g.onAdmit != nil {
		g.onAdmit(r)
	}
}

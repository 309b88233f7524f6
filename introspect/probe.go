package introspect

import (
	"context"
	"crypto/rand"
	"time"
)

// suspect sends a probe, if one is due, because the question sent at the time asked
// has no answer, or none yet.
func (v *Verifier) suspect(asked time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ctx.Err() != nil {
		return
	}
	if p := v.circuit.start(asked, time.Now()); p != nil {
		v.work.Go(func() { v.send(v.ctx, p) })
	}
}

// send asks about random tokens until the circuit knows whether the endpoint works.
// No client can have sent these tokens, and the endpoint must call them inactive
// (RFC 7662, Section 2.2).
func (v *Verifier) send(ctx context.Context, p *probe) {
	defer func() { v.circuit.stop(p, time.Now()) }()
	wait := v.circuit.delay(time.Now())
	again := true
	for n := 0; again; n++ {
		if !pause(ctx, wait) || !v.circuit.asks(p, time.Now()) {
			return
		}
		asked := time.Now()
		v.counters.requests.Add(1)
		v.counters.probes.Add(1)
		bounded, cancel := context.WithTimeout(ctx, v.config.Timeout)
		_, err := v.measured(bounded, rand.Text(), true)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			v.slots.probed(time.Since(asked))
			v.answered(asked)
		}
		if !isIll(err) {
			return // the endpoint works, or rejected the request: neither opens the circuit
		}
		v.endpoint.moved()
		now := time.Now()
		again = v.circuit.hasFailed(p, now, retryAfterOf(err))
		v.journal.probed(err)
		wait = tripGap << n
	}
}

// answered notes that the endpoint works: it has answered the question sent at the
// time asked.
func (v *Verifier) answered(asked time.Time) {
	v.slots.hasAnswered(asked)
	if v.circuit.hasAnswered(asked) {
		v.troubles.forgetAll()
		v.journal.probed(nil)
	}
}

// pause reports whether d has passed before ctx was done.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

package introspect

import (
	"context"
	"errors"
	"time"
)

// patience bounds the wait for an answer. It is the longest time that look takes.
func (c *Config) patience() time.Duration { return c.Timeout + queueTime + 2*sharedTime }

// flight is an introspection that is under way. Concurrent requests with the same
// token share it.
type flight struct {
	done   chan struct{}
	entry  *entry
	err    error
	doomed bool // the token was forgotten meanwhile: do not cache the answer
}

// fetch starts or joins a flight, and waits for it.
func (v *Verifier) fetch(ctx context.Context, key cacheKey, token string, kept *entry) (*entry, error) {
	open := v.circuit.open(time.Now()) > 0
	f, err := v.fly(ctx, key, token, kept)
	if err != nil {
		return nil, err
	}
	patience := v.config.patience()
	if open {
		patience = openPatience // always shorter
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-f.done:
		return f.entry, f.err
	case <-timer.C:
		return nil, context.DeadlineExceeded
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// fly starts a flight, or returns the one under way. The flight belongs to the
// verifier: a caller that gives up does not end it. It sees the values of ctx. old is
// the cached entry, or nil.
func (v *Verifier) fly(ctx context.Context, key cacheKey, token string, old *entry) (*flight, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if f := v.flights[key]; f != nil {
		return f, nil
	}
	// The last flight may have ended after the caller looked into the cache.
	if e := v.local.get(key); e != nil && e != old && time.Now().Before(e.fresh) {
		f := &flight{done: make(chan struct{}), entry: e}
		close(f.done)
		return f, nil
	}
	if v.ctx.Err() != nil {
		return nil, errClosed
	}
	// The last flight notes a failure before it ends, so it is seen here.
	if trouble := v.troubles.get(key, time.Now()); trouble != nil {
		v.counters.rejected.Add(1)
		return nil, trouble.err
	}
	// Bound the goroutines during a flood.
	if len(v.flights) >= v.config.MaxConcurrent*(1+queueFactor) {
		v.counters.rejected.Add(1)
		return nil, errBusy
	}
	if v.shared == nil && v.circuit.refuses(time.Now(), old.isActive()) {
		v.counters.rejected.Add(1)
		return nil, errOpen
	}
	f := &flight{done: make(chan struct{})}
	v.flights[key] = f
	v.work.Go(func() {
		e, err := v.look(withValues{v.ctx, ctx}, key, token, old)
		v.mu.Lock()
		if v.flights[key] == f {
			delete(v.flights, key)
		}
		if err == nil && !f.doomed {
			v.local.set(key, e)
		}
		v.mu.Unlock()
		f.entry, f.err = e, err
		close(f.done)
	})
	return f, nil
}

var errClosed = errors.New("the verifier is closed")

// look gets the answer about a token from the shared cache or from the endpoint.
func (v *Verifier) look(ctx context.Context, key cacheKey, token string, old *entry) (*entry, error) {
	var unread error // of the shared cache
	if v.shared != nil && !v.local.isForgotten(key) {
		var e *entry
		if e, unread = v.lookShared(ctx, key, token); e != nil && (old == nil || e.fetched.After(old.fetched)) {
			v.counters.sharedHits.Add(1)
			return e, nil
		}
	}
	admitted, err := v.admit(ctx, old.isActive())
	if err != nil {
		v.counters.rejected.Add(1)
		return nil, err
	}
	a, asked, err := v.ask(ctx, question{key, token, old, admitted})
	if err != nil {
		return nil, err
	}
	e := v.config.newEntry(a, asked)
	if v.shared != nil {
		v.share(ctx, key, token, e, unread)
	}
	return e, nil
}

// admit returns when the circuit allowed a question, for which it may wait.
func (v *Verifier) admit(ctx context.Context, active bool) (admitted time.Time, err error) {
	now := time.Now()
	verdict := v.circuit.admit(now, active)
	if verdict == await {
		v.suspect(now)
		v.awaitProbe(ctx, probeWait)
		now = time.Now()
		verdict = v.circuit.admit(now, active)
	}
	if verdict != ask {
		return now, errOpen
	}
	return now, nil
}

// awaitProbe waits for the probe under way, if there is one, for at most most.
func (v *Verifier) awaitProbe(ctx context.Context, most time.Duration) {
	p := v.circuit.current()
	if p == nil {
		return
	}
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// question is an introspection that the circuit has admitted.
type question struct {
	key      cacheKey
	token    string
	old      *entry // the cached entry, or nil
	admitted time.Time
}

// ask asks the endpoint about a token, and notes the outcome.
func (v *Verifier) ask(ctx context.Context, q question) (a *answer, asked time.Time, err error) {
	renews := q.old != nil && time.Now().Before(q.old.fresh)
	held, slot, err := v.slots.enter(ctx, renews)
	if err == nil && !v.circuit.readmits(q.admitted, time.Now(), q.old.isActive()) {
		v.slots.leave(slot)
		err = errOpen
	}
	if err != nil {
		v.counters.rejected.Add(1)
		return nil, asked, err
	}
	v.counters.requests.Add(1)
	asked = time.Now()
	slow := time.AfterFunc(slowAfter, func() { v.suspect(asked) })
	bounded, cancel := context.WithTimeout(held, v.config.Timeout)
	a, err = v.measured(bounded, q.token, false)
	cancel()
	slow.Stop()
	if err != nil && context.Cause(held) == errOvertaken {
		err = &sentError{errOvertaken}
	}
	v.slots.leave(slot)
	if err == nil {
		if a.active {
			v.slots.took(time.Since(asked))
		}
		v.answered(asked)
		v.troubles.forget(q.key)
		return a, asked, nil
	}
	if ctx.Err() != nil {
		return nil, asked, errClosed // this says nothing about the endpoint
	}
	v.counters.failures.Add(1)
	overtaken := errors.Is(err, errOvertaken)
	if !overtaken {
		v.suspect(asked)
		if time.Since(asked) < slowAfter { // otherwise the timer has sent a probe
			v.awaitProbe(ctx, doubtWait)
		}
	}
	now := time.Now()
	_, sent := errors.AsType[*sentError](err)
	_, credentials := errors.AsType[*credentialsError](err)
	// A question that lost its slot early may only have been slow.
	if sent && v.circuit.open(now) == 0 && (!overtaken || now.Sub(asked) >= slowAfter) {
		v.troubles.add(q.key, asked, now, err)
	}
	if sent || credentials { // the probe logs any other failure
		v.journal.failed(err)
	}
	return nil, asked, err
}

package client

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/scope"
)

// vault holds the current token. Requests that need the same new token share one
// request for it.
type vault struct {
	transport *Transport
	current   atomic.Pointer[held]

	mu       sync.Mutex // for writing current, and for the fields below
	flights  map[flightKey]*flight
	failures map[reason]failure // of the last flight for each reason
}

// failure is a token request that failed. An API could otherwise cause one with each
// answer. Failures for one reason do not hold up the requests for another.
type failure struct {
	at  time.Time
	err error
}

// rest is how long a failure answers the requests for the same reason.
const rest = time.Second

// flying marks the context of a flight for a Transport. It names the Transport and not
// the vault, since each request with a ContextSource has a vault.
type flying struct{ transport *Transport }

// errOwnRequest is the error of a source whose own requests pass its Transport.
var errOwnRequest = &sourceError{remedy: FixRequest, text: "the source sends its own requests by the Transport that waits for it; give it another HTTP client"}

// flightKey says which token a request is for: another one than seen.
type flightKey struct {
	seen    *held
	refused bool
	scope   scope.Set
	stepUp  string
}

// flight is a request for a token. It runs until all that wait for it are gone, so
// that no single caller's cancellation ends it.
type flight struct {
	done    chan struct{}
	cancel  context.CancelFunc
	waiting int // guarded by vault.mu
	token   *held
	err     error
}

// get returns a token that meets n.
func (v *vault) get(ctx context.Context, n need) (*held, error) {
	now := time.Now()
	if h := v.current.Load(); n.metBy(h, now) {
		return h, nil
	}
	if ctx.Value(flying{v.transport}) != nil {
		return nil, errOwnRequest
	}
	h, f, key, err := v.board(ctx, n, now)
	if f == nil {
		return h, err
	}
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		v.leave(f, key)
		return nil, context.Cause(ctx)
	}
}

// board returns a token that another request has got meanwhile, an error, or the
// flight to wait for.
func (v *vault) board(ctx context.Context, n need, now time.Time) (*held, *flight, flightKey, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	current := v.current.Load()
	if n.metBy(current, now) {
		return current, nil, flightKey{}, nil
	}
	if err := n.check(current, now); err != nil {
		return nil, nil, flightKey{}, err
	}
	want := v.want(n, current)
	if want.Scope.Len() > maxScopes {
		return nil, nil, flightKey{}, &sourceError{remedy: AskForScope, text: fmt.Sprintf("the API requires more than %d scopes in all", maxScopes)}
	}
	key := flightKey{n.seen, n.refused, want.Scope, n.stepUpText()}
	f := v.flights[key]
	if f == nil {
		if last, ok := v.failures[n.reason()]; ok && now.Sub(last.at) < rest {
			return nil, nil, flightKey{}, last.err
		}
		detached, cancel := context.WithCancel(context.WithValue(context.WithoutCancel(ctx), flying{v.transport}, true))
		f = &flight{done: make(chan struct{}), cancel: cancel}
		if v.flights == nil {
			v.flights = map[flightKey]*flight{}
		}
		v.flights[key] = f
		go v.fly(detached, f, key, flightPlan{n, current, want})
	}
	f.waiting++
	return nil, f, key, nil
}

// want returns what the source is asked for. The scopes of the current token stay,
// since a route that needs others will be called again.
func (v *vault) want(n need, current *held) Want {
	want := Want{Resource: v.transport.config.Resource, Scope: n.scope, AllowScope: v.transport.config.AllowScope, StepUp: n.stepUp, Challenge: n.challenge}
	if current != nil {
		want.Scope = want.Scope.Union(current.scope)
	}
	if n.refused {
		want.Refused = n.seen.token.AccessToken
	}
	return want
}

// flightPlan is what a flight is for.
type flightPlan struct {
	need    need
	current *held // when the flight began
	want    Want
}

// fly requests a token and stores it.
func (v *vault) fly(ctx context.Context, f *flight, key flightKey, plan flightPlan) {
	defer f.cancel()
	token, err := v.ask(ctx, plan.want)
	var h *held
	if err == nil {
		h, err = hold(token, v.transport.scheme(), plan.need, plan.want.Scope)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if cause := plan.need.reason(); err != nil && ctx.Err() == nil && cause != passed {
		if v.failures == nil {
			v.failures = map[reason]failure{}
		}
		v.failures[cause] = failure{time.Now(), err}
	}
	switch n := plan.need; {
	case err == nil && f.waiting > 0:
		v.current.Store(h)
	case err == nil: // abandoned: another request may have got a newer one
		v.current.CompareAndSwap(plan.current, h)
	case ctx.Err() == nil && (n.refused || n.seen == nil):
		// The current token is of no use. The next request asks without its scopes,
		// one of which may be the cause.
		v.current.CompareAndSwap(plan.current, nil)
	}
	if v.flights[key] == f {
		delete(v.flights, key)
	}
	f.token, f.err = h, err
	close(f.done)
}

// ask calls the source. A panic in its goroutine would end the program, where one
// in a handler only ends the request.
func (v *vault) ask(ctx context.Context, want Want) (token *oauth2.Token, err error) {
	defer func() {
		if r := recover(); r != nil {
			v.transport.log.ErrorContext(ctx, "the token source panicked", "type", fmt.Sprintf("%T", r), "stack", string(debug.Stack()))
			token, err = nil, &sourceError{remedy: FixRequest, text: fmt.Sprintf("the token source panicked with a %T", r)}
		}
	}()
	return v.transport.config.Tokens.Token(ctx, want)
}

// leave ends the flight if nobody else waits for it.
func (v *vault) leave(f *flight, key flightKey) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if f.waiting--; f.waiting == 0 {
		f.cancel()
		if v.flights[key] == f {
			delete(v.flights, key)
		}
	}
}

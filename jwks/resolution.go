package jwks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
)

const (
	// resolveTime bounds a call of Resolve, and how long a token waits for it.
	resolveTime = 5 * time.Second

	// resolvePause is the time between a call of Resolve that cannot tell and
	// the next one for the same iss.
	resolvePause = 2 * time.Second

	// crowdedPause is the same if the call was not made, or its answer not used,
	// because there are too many new issuers.
	crowdedPause = time.Second

	// maxTold bounds the issuers of which the verifier remembers that it logged
	// their mistakes.
	maxTold = 1000
)

var (
	errEnded      = errors.New("the configuration was replaced, or the verifier was closed")
	errUnfinished = errors.New("Config.Resolve ended its goroutine without an answer")
	errNoAnswer   = fmt.Errorf("Config.Resolve did not answer within %v", resolveTime)
	errBusy       = fmt.Errorf("%d other calls of Config.Resolve are already waiting", maxQueued)
	errManyWait   = fmt.Errorf("%d other tokens already wait for Config.Resolve", maxWaiting)
	errNewcomers  = fmt.Errorf("too many new issuers: at most %d without a good token yet, and %d a second", maxUnproven, time.Second/admitEvery)
)

// resolution is a call of Resolve, which all tokens of one iss share. It does not
// end when the caller of Verify gives up.
type resolution struct {
	iss     string
	expired <-chan struct{} // closed when nobody should wait any longer

	done   chan struct{}
	issuer *issuer // read only after done is closed, as is err
	err    error
}

// issuer returns the live issuer of an iss that isResolvable. It waits for a call
// of Resolve if there is none. The error is [bearer.ErrUnrecognized], "cannot
// tell", or the error of ctx.
func (r *resolver) issuer(ctx context.Context, iss string) (*issuer, error) {
	found, f, err := r.ask(iss)
	if f == nil {
		return found, err
	}
	defer r.waiting.Add(-1)
	if r.waiting.Add(1) > maxWaiting {
		return nil, cannotTell(iss, errManyWait, crowdedPause)
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return nil, fmt.Errorf("jwks: waiting for Config.Resolve: %w", ctx.Err())
	case <-f.expired:
		select {
		case <-f.done: // both are ready
		default:
			return nil, cannotTell(iss, errNoAnswer, resolvePause)
		}
	}
	return f.issuer, f.err
}

// ask returns what is known about iss, or the call of Resolve to wait for.
func (r *resolver) ask(iss string) (*issuer, *resolution, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := r.live[iss]; i != nil {
		return i, nil, nil
	}
	if f := r.flights[iss]; f != nil {
		return nil, f, nil
	}
	if r.ended {
		return nil, nil, cannotTell(iss, errEnded, resolvePause)
	}
	if err := r.answers.get(iss, time.Now()); err != nil {
		return nil, nil, err
	}
	to := r.newcomers
	if r.parked[iss] != nil {
		to = r.returning
	} else if len(r.flights) >= maxQueued+len(r.parked) {
		return nil, nil, crowded(iss, errBusy)
	}
	ctx, cancel := r.limited()
	f := &resolution{iss: iss, expired: ctx.Done(), done: make(chan struct{})}
	r.flights[iss] = f
	r.verifier.resolving.Go(func() {
		defer cancel()
		r.run(ctx, f, to)
	})
	return nil, f, nil
}

// run calls Resolve when the lane has room, and lands.
func (r *resolver) run(ctx context.Context, f *resolution, to lane) {
	var i *issuer
	err := errUnfinished
	defer func() { r.land(f, i, err) }()
	select {
	case to <- struct{}{}:
		defer func() { <-to }()
	case <-ctx.Done():
		err = errNoAnswer
		return
	}
	i, err = r.resolve(ctx, f.iss)
}

// resolve calls Resolve and compiles the issuer.
func (r *resolver) resolve(ctx context.Context, iss string) (*issuer, error) {
	counters := &r.verifier.resolves
	counters.calls.Add(1)
	failed := true // also if Resolve ends its goroutine
	defer func() {
		if failed {
			counters.failures.Add(1)
		} else {
			counters.answered.Add(1)
		}
	}()
	given, err := r.call(ctx, iss)
	if errors.Is(err, bearer.ErrUnrecognized) {
		failed = false
		return nil, bearer.ErrUnrecognized
	}
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = fmt.Errorf("%w: %w", errNoAnswer, err)
		}
		return nil, err
	}
	i, err := given.compile(&r.config, r.verifier.profiles)
	if given.URL != iss {
		err = errors.Join(fmt.Errorf("URL is %.200q; want %.200q, the iss that it was asked for", given.URL, iss), err)
	}
	if err != nil {
		r.tell(iss, "Config.Resolve returned an issuer with mistakes", slog.String("error", err.Error()))
		return nil, fmt.Errorf("Config.Resolve returned an issuer with mistakes: %w", err)
	}
	i.origin.onDemand = true
	i.origin.client.resolved = given.Client != nil
	failed = false
	return i, nil
}

// call calls Resolve. A panic is an error.
func (r *resolver) call(ctx context.Context, iss string) (given Issuer, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("Config.Resolve panicked: %v", p)
			r.tell(iss, "Config.Resolve panicked", slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
		}
	}()
	return r.config.Resolve(ctx, iss)
}

// tell logs a fault of Resolve once for each iss.
func (r *resolver) tell(iss, fault string, attrs ...any) {
	r.mu.Lock()
	known := r.told[iss]
	if len(r.told) >= maxTold {
		clear(r.told)
	}
	r.told[iss] = true
	r.mu.Unlock()
	if !known {
		r.snapshot.logger.Error(fault, append(attrs, slog.String("claimed_iss", fmt.Sprintf("%.200s", iss)))...)
	}
}

// land ends a resolution with the answer of Resolve.
func (r *resolver) land(f *resolution, i *issuer, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	switch {
	case r.ended:
		f.err = cannotTell(f.iss, errEnded, resolvePause)
	case err == bearer.ErrUnrecognized:
		f.err = err
		r.answers.add(f.iss, now, answer{until: now.Add(r.config.UnknownFor)})
		if was := r.parked[f.iss]; was != nil {
			delete(r.parked, f.iss)
			r.shut(was)
		}
	case err != nil:
		r.answers.add(f.iss, now, answer{until: now.Add(resolvePause), cause: err})
		f.err = cannotTell(f.iss, err, resolvePause)
	default:
		if f.issuer = r.admit(i, now); f.issuer == nil {
			r.answers.add(f.iss, now, answer{until: now.Add(crowdedPause), cause: errNewcomers})
			f.err = crowded(f.iss, errNewcomers)
		}
	}
	delete(r.flights, f.iss)
	close(f.done)
}

// admit makes an issuer live. It returns nil if there is no room for a new one. An
// issuer that was live under the last configuration is not new: the configuration
// may change while there is traffic. The caller holds r.mu.
func (r *resolver) admit(i *issuer, now time.Time) *issuer {
	if was := r.parked[i.url]; was != nil {
		delete(r.parked, i.url)
		r.makeRoom()
		i = r.succeed(was, i)
		r.proven++
	} else {
		if !r.admits.take(now) || !r.makeRoomUnproven() {
			return nil
		}
		i.approval = &approval{since: now}
		r.verifier.enlist(i, r.snapshot.logger)
		r.verifier.open(i, r.snapshot, 0)
	}
	r.live[i.url] = i
	i.gone.Store(false)
	return i
}

// succeed returns the issuer that replaces was: was itself if its settings have not
// changed, and otherwise i. An issuer keeps its keys if they come from the same
// place in the same way. The caller holds r.mu.
func (r *resolver) succeed(was, i *issuer) *issuer {
	if was.equal(i) {
		return was
	}
	i.approval = was.approval
	r.verifier.enlist(i, r.snapshot.logger)
	if was.origin == i.origin {
		i.source = was.source
		return i
	}
	r.verifier.open(i, r.snapshot, 0)
	r.shut(was)
	return i
}

// cannotTell returns the answer for a token of an issuer that nobody can judge now.
func cannotTell(iss string, cause error, retry time.Duration) *bearer.Error {
	e := bearer.Unavailable(fmt.Errorf("jwks: cannot tell whether issuer %.200q is known: %w", iss, shielded(cause)), retry)
	e.Check, e.Hint = "resolve", "check Config.Resolve, and what it asks, such as the table of tenants"
	e.ClaimedIssuer = fmt.Sprintf("%.200s", iss)
	return e
}

// crowded is cannotTell for an issuer that somebody may have made up.
func crowded(iss string, cause error) *bearer.Error {
	e := cannotTell(iss, cause, crowdedPause)
	e.Suspect = true
	e.Hint = "no action needed, unless this persists: many new issuers come at once, or somebody sends tokens of many tenants"
	return e
}

// shielded hides the type of an error: a context error of a call of Resolve must
// not look like one of the caller's context.
func shielded(err error) error { return errors.New(err.Error()) }

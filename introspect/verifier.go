package introspect

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/fetch"
)

// Verifier verifies opaque access tokens by asking about them. It is built by
// [New] and safe for concurrent use.
type Verifier struct {
	config   Config
	endpoint *endpoint
	circuit  *circuit
	keys     keyMaker
	local    *local
	shared   *shared // nil: none
	journal  journal
	counters counters

	ctx  context.Context // of the verifier's own work, ended by Close
	stop context.CancelFunc
	work sync.WaitGroup

	mu      sync.Mutex
	flights map[cacheKey]*flight
}

var _ bearer.Verifier = (*Verifier)(nil)

func newVerifier(c Config) (*Verifier, error) {
	cache, err := newLocal(c.CacheEntries, c.CacheBytes)
	if err != nil {
		return nil, err
	}
	v := &Verifier{
		config:   c,
		endpoint: newEndpoint(c),
		circuit:  newCircuit(c.MaxConcurrent),
		keys:     newKeyMaker(&c),
		local:    cache,
		journal:  journal{config: c},
		flights:  make(map[cacheKey]*flight),
	}
	v.ctx, v.stop = context.WithCancel(context.Background())
	if c.Shared != nil {
		v.shared = newShared(c)
		v.work.Go(func() { c.Shared.Watch(v.ctx, v.forgotten) })
	}
	return v, nil
}

// Close ends what [New] started, and waits for its end. Verify answers "cannot
// tell" from then on, but for answers that are kept.
func (v *Verifier) Close() {
	v.mu.Lock()
	v.stop()
	v.mu.Unlock()
	v.work.Wait()
	v.endpoint.close()
	v.local.close()
}

// Verify judges an opaque token by what the issuer says of it. A JWT, unless
// [Config.JWTs], and a token that the issuer does not call active, are
// bearer.ErrUnrecognized: they may be another verifier's. If nobody can tell it
// is a bearer.Error of bearer.CodeUnavailable.
func (v *Verifier) Verify(ctx context.Context, token string) (*bearer.Principal, error) {
	return v.verify(ctx, token, v.config.JWTs)
}

// TakingJWTs returns v as a verifier that asks about JWTs too, for bearer.Both:
// a JWT that was verified by the issuer's keys is asked about as well, so that
// its revocation is seen.
func (v *Verifier) TakingJWTs() bearer.Verifier {
	return bearer.VerifierFunc(func(ctx context.Context, token string) (*bearer.Principal, error) {
		return v.verify(ctx, token, true)
	})
}

func (v *Verifier) verify(ctx context.Context, token string, jwts bool) (*bearer.Principal, error) {
	if !jwts && isJWT(token) {
		return nil, bearer.Unrecognized("form", "an opaque token", "a JWT, which is asked about only if Config.JWTs says so")
	}
	key := v.keys.key(token)
	now := time.Now()
	kept := v.local.get(key)
	if kept != nil && now.Before(kept.fresh) {
		v.counters.hits.Add(1)
		if kept.wantsRenewal(now) {
			_, _ = v.fly(key, token, kept) // that it fails matters to nobody yet
		}
		return v.config.judge(kept.answer)
	}
	v.counters.misses.Add(1)
	e, err := v.fetch(ctx, key, token)
	if err == nil {
		return v.config.judge(e.answer)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	// It is looked up again, since it may have been forgotten meanwhile.
	if kept = v.local.get(key); kept != nil && time.Now().Before(kept.stale) {
		v.counters.stale.Add(1)
		return v.config.judge(kept.answer)
	}
	unavailable := bearer.Unavailable(err, v.retryAfter(err))
	unavailable.Check = "introspection"
	return nil, unavailable
}

// isJWT reports whether a token looks like a signed JWT, good or bad. It is
// lenient: what somebody's server may take for one is sent to nobody else.
// Encrypted ones, of five segments, only their issuer can read, and there are
// servers whose opaque tokens are such.
func isJWT(token string) bool {
	if dots := strings.Count(token, "."); dots < 2 || dots == 4 {
		return false
	}
	header, _, _ := strings.Cut(token, ".")
	b, err := base64.RawURLEncoding.DecodeString(header)
	return err == nil && bytes.HasPrefix(bytes.TrimLeft(b, " \t\r\n"), []byte("{"))
}

func (v *Verifier) retryAfter(err error) time.Duration {
	wait := max(v.circuit.state(), time.Second)
	if status, ok := errors.AsType[*fetch.StatusError](err); ok {
		wait = max(wait, min(status.RetryAfter, maxRetryAfter))
	}
	return wait
}

// patience is how long an answer may take: all of what [Verifier.look] does.
func (c *Config) patience() time.Duration { return c.Timeout + queueTime + 2*sharedTime }

// flight is a question that is under way, and its answer.
type flight struct {
	done   chan struct{}
	entry  *entry
	err    error
	doomed bool // the token was forgotten meanwhile: the answer is not kept
}

// fetch waits for a flight, its own or another's: concurrent requests with one
// token make one.
func (v *Verifier) fetch(ctx context.Context, key cacheKey, token string) (*entry, error) {
	f, err := v.fly(key, token, nil)
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(v.config.patience())
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

// fly starts a flight, or joins the one that there is. The flight belongs to
// the verifier, and no caller's end ends it. old is the entry that is to be
// renewed, if it is one that is still believed.
func (v *Verifier) fly(key cacheKey, token string, old *entry) (*flight, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if f := v.flights[key]; f != nil {
		return f, nil
	}
	// The last flight may have landed since the caller looked.
	if e := v.local.get(key); e != nil && e != old && time.Now().Before(e.fresh) {
		f := &flight{done: make(chan struct{}), entry: e}
		close(f.done)
		return f, nil
	}
	if v.ctx.Err() != nil {
		return nil, errClosed
	}
	// A flood must not pile up goroutines.
	if len(v.flights) >= v.config.MaxConcurrent*(1+queueFactor) {
		v.counters.rejected.Add(1)
		return nil, errBusy
	}
	if v.shared == nil && v.circuit.state() > 0 {
		v.counters.rejected.Add(1)
		return nil, errOpen
	}
	f := &flight{done: make(chan struct{})}
	v.flights[key] = f
	v.work.Go(func() {
		e, err := v.look(v.ctx, key, token, old)
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

// look finds the answer about a token: in the shared cache, or by asking.
func (v *Verifier) look(ctx context.Context, key cacheKey, token string, old *entry) (*entry, error) {
	if v.shared != nil && !v.local.isForgotten(key) {
		if e := v.lookShared(ctx, key, token); e != nil && (old == nil || e.fetched.After(old.fetched)) {
			v.counters.sharedHits.Add(1)
			return e, nil
		}
	}
	probe, err := v.circuit.enter(ctx, old != nil)
	if err != nil {
		v.counters.rejected.Add(1)
		return nil, err
	}
	v.counters.requests.Add(1)
	asked := time.Now()
	bounded, cancel := context.WithTimeout(ctx, v.config.Timeout)
	a, err := v.endpoint.ask(bounded, token)
	cancel()
	v.circuit.leave(probe, isIll(err), retryAfterOf(err))
	if err != nil && ctx.Err() != nil {
		return nil, errClosed // and the endpoint's health is nobody's business any more
	}
	v.journal.asked(err)
	if err != nil {
		v.counters.failures.Add(1)
		return nil, err
	}
	e := v.config.newEntry(a, asked)
	if v.shared != nil {
		v.share(ctx, key, token, e)
	}
	return e, nil
}

func retryAfterOf(err error) time.Duration {
	if status, ok := errors.AsType[*fetch.StatusError](err); ok && isIll(err) {
		return status.RetryAfter
	}
	return 0
}

// Forget drops what is known of a token, here and, by the shared cache, in every
// instance, so that the issuer is asked again at its next use: call it when a
// token was revoked. The error says that other instances could not be told;
// they believe what they, or the shared cache, keep until [Config.MaxAge].
func (v *Verifier) Forget(ctx context.Context, token string) error {
	key := v.keys.key(token)
	v.forgotten(key.String())
	if v.shared == nil {
		return nil
	}
	return v.shared.forget(ctx, key)
}

// forgotten drops what is known of a token, or of all of them.
func (v *Verifier) forgotten(name string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if name == "" {
		v.local.forgetAll()
		for key, f := range v.flights {
			f.doomed = true
			delete(v.flights, key)
		}
		return
	}
	key, err := parseKey(name)
	if err != nil {
		return // no key of ours
	}
	// Nor is it read from the shared cache until all of before has ended there:
	// that may be out of reach, or may have come back with what it held once.
	v.local.forget(key, time.Now().Add(v.config.MaxAge+v.config.Leeway))
	if f := v.flights[key]; f != nil {
		// Who asks from now on must not get an answer from before.
		f.doomed = true
		delete(v.flights, key)
	}
}

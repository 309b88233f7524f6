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
	"github.com/bearerkit/bearerkit/internal/jose"
)

// Verifier verifies opaque access tokens by asking about them. It is built by
// [New] and safe for concurrent use.
type Verifier struct {
	config   Config
	endpoint *endpoint
	circuit  circuit
	slots    *slots
	troubles troubles
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
	troubles, err := newTroubles(c.CacheEntries)
	if err != nil {
		return nil, err
	}
	v := &Verifier{
		config:   c,
		troubles: troubles,
		keys:     newKeyMaker(&c),
		local:    cache,
		journal:  journal{config: c},
		flights:  make(map[cacheKey]*flight),
	}
	v.ctx, v.stop = context.WithCancel(context.Background())
	v.endpoint = newEndpoint(c, v.background)
	v.slots = newSlots(c.MaxConcurrent, v.suspect)
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
	v.troubles.close()
}

// background runs work of the verifier's own, which ends with its context. It
// reports false if the verifier is closed.
func (v *Verifier) background(work func(ctx context.Context)) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ctx.Err() != nil {
		return false
	}
	v.work.Go(func() { work(v.ctx) })
	return true
}

// Verify judges an opaque token by what the issuer says of it. A JWT, unless
// [Config.JWTs], a token that [Config.Accept] rejects, and one that the issuer
// does not call active, are bearer.ErrUnrecognized: they may be another
// verifier's. If nobody can tell, the error is a bearer.Error of
// bearer.CodeUnavailable; it is marked Suspect if the endpoint answers about
// other tokens.
func (v *Verifier) Verify(ctx context.Context, token string) (*bearer.Principal, error) {
	if v.config.Accept != nil && !v.config.Accept(token) {
		return nil, hinted(bearer.Unrecognized("form", "a token that Config.Accept accepts", "another one"))
	}
	return v.verify(ctx, token, v.config.JWTs)
}

// TakingJWTs returns v as a verifier that asks about JWTs too, for bearer.Both:
// a JWT that was verified by the issuer's keys is asked about as well, so that
// its revocation is seen.
func (v *Verifier) TakingJWTs() bearer.Verifier {
	if v == nil {
		return nil // which bearer.New reports
	}
	return bearer.VerifierFunc(func(ctx context.Context, token string) (*bearer.Principal, error) {
		return v.verify(ctx, token, true)
	})
}

func (v *Verifier) verify(ctx context.Context, token string, jwts bool) (*bearer.Principal, error) {
	if !jwts && isJWT(token) {
		return nil, hinted(bearer.Unrecognized("form", "an opaque token", "a JWT, which is asked about only if Config.JWTs says so"))
	}
	key := v.keys.key(token)
	now := time.Now()
	kept := v.local.get(key)
	if kept != nil && now.Before(kept.fresh) {
		v.counters.hits.Add(1)
		if kept.wantsRenewal(now) && v.troubles.get(key, now) == nil {
			_, _ = v.fly(key, token, kept) // a failure matters only when kept has expired
		}
		return v.config.judge(kept.answer)
	}
	v.counters.misses.Add(1)
	e, err := v.fetch(ctx, key, token, kept)
	if err == nil {
		return v.config.judge(e.answer)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	// Look it up again: it may have been forgotten meanwhile.
	if kept = v.local.get(key); kept != nil && time.Now().Before(kept.stale) {
		v.counters.stale.Add(1)
		return v.config.judge(kept.answer)
	}
	return nil, v.unavailable(key, err)
}

// unavailable says that nobody can tell whether a token is good.
func (v *Verifier) unavailable(key cacheKey, err error) *bearer.Error {
	now := time.Now()
	wait := max(v.circuit.open(now), time.Second, min(retryAfterOf(err), maxRetryAfter))
	trouble := v.troubles.get(key, now)
	if trouble != nil {
		wait = max(wait, trouble.until.Sub(now))
	}
	unavailable := bearer.Unavailable(err, wait)
	unavailable.Check, unavailable.Hint = "introspection", hint(err)
	unavailable.Suspect = trouble != nil && v.circuit.isWell(trouble.asked, now)
	return unavailable
}

// maxRetryAfter bounds what a client is told to wait.
const maxRetryAfter = time.Minute

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
func (v *Verifier) fetch(ctx context.Context, key cacheKey, token string, kept *entry) (*entry, error) {
	now := time.Now()
	if trouble := v.troubles.get(key, now); trouble != nil {
		v.counters.rejected.Add(1)
		return nil, trouble.err
	}
	f, err := v.fly(key, token, kept)
	if err != nil {
		return nil, err
	}
	patience := v.config.patience()
	if v.circuit.open(now) > 0 {
		patience = min(patience, openPatience)
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

// fly starts a flight, or joins the one that there is. The flight belongs to
// the verifier, and no caller's end ends it. old is the entry at hand, if there
// is one.
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
	if v.shared == nil && v.circuit.refuses(time.Now(), old.isActive()) {
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
	if err := v.admit(ctx, old.isActive()); err != nil {
		v.counters.rejected.Add(1)
		return nil, err
	}
	a, asked, err := v.ask(ctx, key, token, old)
	if err != nil {
		return nil, err
	}
	e := v.config.newEntry(a, asked)
	if v.shared != nil {
		v.share(ctx, key, token, e)
	}
	return e, nil
}

// admit waits until the circuit says whether a question may be asked.
func (v *Verifier) admit(ctx context.Context, active bool) error {
	now := time.Now()
	verdict := v.circuit.admit(now, active)
	if verdict == await {
		v.suspect(now)
		if p := v.circuit.current(); p != nil {
			bounded, cancel := context.WithTimeout(ctx, probeWait)
			select {
			case <-p.done:
			case <-bounded.Done():
			}
			cancel()
		}
		verdict = v.circuit.admit(time.Now(), active)
	}
	if verdict != ask {
		return errOpen
	}
	return nil
}

// ask asks the endpoint about a token, and tells what came of it.
func (v *Verifier) ask(ctx context.Context, key cacheKey, token string, old *entry) (a *answer, asked time.Time, err error) {
	renews := old != nil && time.Now().Before(old.fresh)
	held, slot, err := v.slots.enter(ctx, renews)
	if err == nil && v.circuit.refuses(time.Now(), old.isActive()) {
		v.slots.leave(slot) // the circuit opened in the meantime
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
	a, err = v.endpoint.ask(bounded, token)
	cancel()
	slow.Stop()
	if err != nil && context.Cause(held) == errOvertaken {
		err = &sentError{errOvertaken}
	}
	v.slots.leave(slot)
	if err == nil {
		v.answered(asked)
		v.troubles.forget(key)
		return a, asked, nil
	}
	if ctx.Err() != nil {
		return nil, asked, errClosed // which says nothing about the endpoint
	}
	v.counters.failures.Add(1)
	v.suspect(asked)
	now := time.Now()
	_, sent := errors.AsType[*sentError](err)
	_, credentials := errors.AsType[*credentialsError](err)
	if sent && v.circuit.open(now) == 0 {
		v.troubles.add(key, asked, now, err)
	}
	if sent || credentials { // of anything else the probe tells
		v.journal.failed(err)
	}
	return nil, asked, err
}

// Forget drops what is known of a token, here and, by the shared cache, in every
// instance, so that the issuer is asked again at its next use: call it when a
// token was revoked. Of a JWT with an ECDSA signature it drops the other valid
// spelling too, since anybody can compute it. The error says that other
// instances could not be told; they believe what they, or the shared cache, keep
// until [Config.MaxAge].
func (v *Verifier) Forget(ctx context.Context, token string) error {
	tokens := []string{token}
	if twin, ok := jose.Twin(token); ok {
		tokens = append(tokens, twin)
	}
	var errs []error
	for _, token := range tokens {
		key := v.keys.key(token)
		v.forgotten(key.String())
		if v.shared != nil {
			errs = append(errs, v.shared.forget(ctx, key))
		}
	}
	return errors.Join(errs...)
}

// forgotten drops what is known of a token, or of all of them.
func (v *Verifier) forgotten(name string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if name == "" {
		v.local.forgetAll()
		v.troubles.forgetAll()
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
	v.troubles.forget(key)
	if f := v.flights[key]; f != nil {
		// Who asks from now on must not get an answer from before.
		f.doomed = true
		delete(v.flights, key)
	}
}

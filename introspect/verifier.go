package introspect

import (
	"bytes"
	"context"
	"encoding/base64"
	"strings"
	"sync"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
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
	v.journal.circuit = &v.circuit
	v.slots = newSlots(c.MaxConcurrent, c.Timeout, v.suspect)
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
	unavailable.Suspect = trouble != nil && v.circuit.isWell(trouble.asked)
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

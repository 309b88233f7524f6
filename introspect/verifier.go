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

// Verifier verifies opaque access tokens by introspection. It is safe for
// concurrent use. Use [New].
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

	ctx  context.Context // of the verifier's goroutines; Close cancels it
	stop context.CancelFunc
	work sync.WaitGroup

	mu      sync.Mutex
	flights map[cacheKey]*flight
}

var _ bearer.Verifier = (*Verifier)(nil)

func newVerifier(c Config) *Verifier {
	v := &Verifier{
		config:   c,
		troubles: newTroubles(c.CacheEntries),
		keys:     newKeyMaker(&c),
		local:    newLocal(c.CacheEntries, c.CacheBytes),
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
	return v
}

// Close ends what [New] started, and waits for it. After that Verify answers only
// from the cache; other tokens are unavailable.
func (v *Verifier) Close() {
	v.mu.Lock()
	v.stop()
	v.mu.Unlock()
	v.work.Wait()
	v.endpoint.close()
}

// background runs work in a goroutine until the verifier is closed. It returns
// false if that has happened.
func (v *Verifier) background(work func(ctx context.Context)) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ctx.Err() != nil {
		return false
	}
	v.work.Go(func() { work(v.ctx) })
	return true
}

// Verify judges an opaque token by the issuer's answer about it. It returns a
// bearer.Error with bearer.CodeInvalidToken for an active token that is expired,
// for another audience, from another issuer, or not an access token.
//
// The error is bearer.ErrUnrecognized for a token that may be another verifier's:
// a JWT unless [Config.JWTs] is set, a token that [Config.Accept] rejects, and one
// that the issuer does not call active. If there is no answer, the error is a
// bearer.Error with bearer.CodeUnavailable. Its Suspect is set if the endpoint
// answers about other tokens.
func (v *Verifier) Verify(ctx context.Context, token string) (*bearer.Principal, error) {
	if v.config.Accept != nil && !v.config.Accept(token) {
		return nil, hinted(bearer.Unrecognized("form", "a token that Config.Accept accepts", "one that it rejects"))
	}
	return v.verify(ctx, token, v.config.JWTs)
}

// TakingJWTs returns v as a verifier that also introspects JWTs, for bearer.Both. A
// JWT that the issuer's keys verify is then introspected too, which detects its
// revocation. The returned verifier ignores [Config.Accept], which describes opaque
// tokens.
func (v *Verifier) TakingJWTs() bearer.Verifier {
	if v == nil {
		return nil // bearer.New reports it
	}
	return bearer.VerifierFunc(func(ctx context.Context, token string) (*bearer.Principal, error) {
		return v.verify(ctx, token, true)
	})
}

func (v *Verifier) verify(ctx context.Context, token string, jwts bool) (*bearer.Principal, error) {
	if !jwts && isJWT(token) {
		return nil, hinted(bearer.Unrecognized("form", "an opaque token", "a JWT, which is introspected only if Config.JWTs is set"))
	}
	key := v.keys.key(token)
	now := time.Now()
	kept := v.local.get(key)
	if kept != nil && now.Before(kept.fresh) {
		v.counters.hits.Add(1)
		if kept.wantsRenewal(now) && v.troubles.get(key, now) == nil {
			_, _ = v.fly(ctx, key, token, kept) // a failure matters only once kept has expired
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
	// Look up the entry again: the token may have been forgotten meanwhile.
	if kept = v.local.get(key); kept != nil && time.Now().Before(kept.stale) {
		v.counters.stale.Add(1)
		return v.config.judge(kept.answer)
	}
	return nil, v.unavailable(key, err)
}

// unavailable returns the error for a token without an answer.
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

// maxRetryAfter bounds the Retry-After that clients receive.
const maxRetryAfter = time.Minute

// isJWT reports whether a token looks like a signed JWT, valid or not. It is
// lenient, so that no token that any server may accept as a JWT is sent to another
// server. It is false for encrypted JWTs, which have five segments: only their
// issuer can read them, and some servers use them as opaque tokens.
func isJWT(token string) bool {
	if dots := strings.Count(token, "."); dots < 2 || dots == 4 {
		return false
	}
	header, _, _ := strings.Cut(token, ".")
	b, err := base64.RawURLEncoding.DecodeString(header)
	return err == nil && bytes.HasPrefix(bytes.TrimLeft(b, " \t\r\n"), []byte("{"))
}

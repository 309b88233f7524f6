package introspect

import (
	"context"
	"encoding/base64"
	"time"
)

// SharedCache is a cache that the instances of a program have in common, such as
// adapters/bearerredis. What a [Verifier] keeps there is encrypted by a key that
// is made of the token itself and of a secret, the verifier's own credentials or
// [Config.SharedSecret]: neither a copy of the cache tells anything, nor can who
// writes into it forge an answer.
// Keys are hashes, and no token is ever handed over.
//
// An error of a method never refuses a token, and never accepts one: the
// endpoint is asked instead. Methods must be safe for concurrent use, and
// should give up soon; the context that they get has a deadline.
type SharedCache interface {
	// Get returns the value of a key, or nil if there is none.
	Get(ctx context.Context, key string) ([]byte, error)

	// Set keeps a value for ttl, and then drops it. It does nothing if the key
	// was forgotten and the time of that has not passed.
	//
	// A nil value forgets the key: what is kept is dropped, nothing is kept
	// for it until ttl has passed, and every instance that watches is told.
	Set(ctx context.Context, key string, value []byte, ttl time.Duration) error

	// Watch calls forgotten with each key that any instance forgets, soon and
	// in any order, until ctx is done; only then it returns. Whenever keys may
	// have been missed, as when a connection was lost, it calls forgotten with
	// the empty string, which means all of them.
	Watch(ctx context.Context, forgotten func(key string))
}

// sharedTime bounds each call of the shared cache.
const sharedTime = 250 * time.Millisecond

// maxShared bounds what is put there.
const maxShared = 64 << 10

// shared is the shared cache, as the verifier uses it.
type shared struct {
	cache     SharedCache
	forgetFor time.Duration
}

func newShared(c Config) *shared {
	// No answer from before may come after, however long it was under way.
	return &shared{cache: c.Shared, forgetFor: 2 * c.patience()}
}

func (s *shared) forget(ctx context.Context, key cacheKey) error {
	ctx, cancel := context.WithTimeout(ctx, sharedTime)
	defer cancel()
	return s.cache.Set(ctx, key.String(), nil, s.forgetFor)
}

// lookShared returns what another instance knows, if it may be believed.
func (v *Verifier) lookShared(ctx context.Context, key cacheKey, token string) *entry {
	ctx, cancel := context.WithTimeout(ctx, sharedTime)
	defer cancel()
	sealed, err := v.shared.cache.Get(ctx, key.String())
	v.toldByShared(err)
	if err != nil || len(sealed) == 0 {
		return nil
	}
	document, fetched, err := v.keys.unseal(token, key, sealed)
	if err != nil {
		return nil
	}
	a, err := v.endpoint.read(document)
	if err != nil {
		return nil
	}
	// A clock that is ahead must not make an answer live longer.
	now := time.Now()
	if fetched.After(now.Add(v.config.Leeway)) {
		return nil
	}
	e := v.config.newEntry(a, earlier(fetched, now))
	if !now.Before(e.fresh) {
		return nil
	}
	return e
}

func (v *Verifier) toldByShared(err error) {
	if v.ctx.Err() == nil { // a call that Close ended tells nothing
		v.journal.shared(err)
	}
}

func (v *Verifier) share(ctx context.Context, key cacheKey, token string, e *entry) {
	ttl := time.Until(e.fresh)
	if ttl <= 0 || len(e.answer.document) > maxShared {
		return
	}
	sealed, err := v.keys.seal(token, key, e.answer.document, e.fetched)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, sharedTime)
	defer cancel()
	v.toldByShared(v.shared.cache.Set(ctx, key.String(), sealed, ttl))
}

func parseKey(name string) (key cacheKey, err error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(name)
	if err != nil || len(b) != len(key) {
		return key, errSealed
	}
	return cacheKey(b), nil
}

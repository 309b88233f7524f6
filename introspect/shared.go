package introspect

import (
	"context"
	"encoding/base64"
	"time"
)

// SharedCache is a cache that the instances of a program share, such as the one of
// adapters/bearerredis. Its keys are hashes, and its values are encrypted. The
// encryption key is derived from the token and from the secret of [Config.Auth] or
// [Config.SharedSecret]. A copy of the cache therefore reveals nothing, and write
// access does not permit forgeries. The cache never receives a token.
//
// If a method returns an error, the verifier asks the endpoint instead. Methods
// must be safe for concurrent use, and must respect the deadline of their context.
type SharedCache interface {
	// Get returns the value of a key, or nil if there is none.
	Get(ctx context.Context, key string) ([]byte, error)

	// Set stores a value for ttl.
	//
	// A nil value forgets the key: Set discards its value and notifies every
	// instance that watches. Until ttl has passed, later calls with a value
	// for this key do nothing.
	Set(ctx context.Context, key string, value []byte, ttl time.Duration) error

	// Watch calls forgotten with each key that any instance forgets, in any
	// order, and returns when ctx is done. Whenever it may have missed a key,
	// for example after a lost connection, it calls forgotten with the empty
	// string, which stands for all keys.
	Watch(ctx context.Context, forgotten func(key string))
}

// sharedTime bounds each call of the shared cache.
const sharedTime = 250 * time.Millisecond

// maxShared bounds the size of a document in the shared cache.
const maxShared = 64 << 10

// shared is the verifier's access to the shared cache.
type shared struct {
	cache     SharedCache
	forgetFor time.Duration
}

func newShared(c Config) *shared {
	// This is longer than an answer from before the call can be under way.
	return &shared{cache: c.Shared, forgetFor: 2 * c.patience()}
}

func (s *shared) forget(ctx context.Context, key cacheKey) error {
	ctx, cancel := context.WithTimeout(ctx, sharedTime)
	defer cancel()
	return s.cache.Set(ctx, key.String(), nil, s.forgetFor)
}

// lookShared returns the answer that another instance stored, or nil if there is
// none that may be used. The error is that of the shared cache.
func (v *Verifier) lookShared(ctx context.Context, key cacheKey, token string) (*entry, error) {
	ctx, cancel := context.WithTimeout(ctx, sharedTime)
	defer cancel()
	sealed, err := v.shared.cache.Get(ctx, key.String())
	if err != nil {
		v.noteShared(err)
		return nil, err
	}
	if len(sealed) == 0 {
		return nil, nil
	}
	document, fetched, ok := v.keys.unseal(token, key, sealed)
	if !ok {
		return nil, nil
	}
	a, err := v.endpoint.read(document)
	if err != nil {
		return nil, nil
	}
	// Another instance's clock that is ahead must not extend the answer's life.
	now := time.Now()
	if fetched.After(now.Add(v.config.Leeway)) {
		return nil, nil
	}
	e := v.config.newEntry(a, earlier(fetched, now))
	if !now.Before(e.fresh) {
		return nil, nil
	}
	return e, nil
}

func (v *Verifier) noteShared(err error) {
	if v.ctx.Err() == nil { // if Close ended the call, its error is no failure of the cache
		v.journal.shared(err)
	}
}

// share stores an answer. unread is the error of reading it before. While only one
// of reading and writing fails, the shared cache does not count as working again:
// otherwise each token would cause two log records.
func (v *Verifier) share(ctx context.Context, key cacheKey, token string, e *entry, unread error) {
	ttl := time.Until(e.fresh)
	if ttl <= 0 || len(e.answer.document) > maxShared {
		return
	}
	sealed := v.keys.seal(token, key, e.answer.document, e.fetched)
	ctx, cancel := context.WithTimeout(ctx, sharedTime)
	defer cancel()
	err := v.shared.cache.Set(ctx, key.String(), sealed, ttl)
	if unread == nil { // otherwise the failure is noted already
		v.noteShared(err)
	}
}

// parseKey is the reverse of cacheKey.String.
func parseKey(name string) (key cacheKey, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(name)
	if err != nil || len(b) != len(key) {
		return key, false
	}
	return cacheKey(b), true
}

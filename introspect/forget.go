package introspect

import (
	"context"
	"errors"
	"time"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// Forget discards the cached answer about a token, so that its next use is
// introspected. Call it when a token was revoked. Through the shared cache it
// reaches all instances. For a JWT with an ECDSA signature it also discards the
// other valid encoding of the signature, which anyone can compute. An error means
// that Forget did not reach the other instances, which may use a cached answer for
// up to [Config.MaxAge].
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

// forgotten discards what is cached about the token with this key, or about all
// tokens if the key is empty.
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
	key, ok := parseKey(name)
	if !ok {
		return // not a key of a Verifier
	}
	// Do not read the token from the shared cache until its old entries have
	// expired: the cache may be unreachable, or may have been restored from an
	// older state.
	v.local.forget(key, time.Now().Add(v.config.MaxAge+v.config.Leeway))
	v.troubles.forget(key)
	if f := v.flights[key]; f != nil {
		// Later callers must not join a flight that began before.
		f.doomed = true
		delete(v.flights, key)
	}
}

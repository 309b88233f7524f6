package introspect

import (
	"context"
	"errors"
	"time"

	"github.com/bearerkit/bearerkit/internal/jose"
)

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

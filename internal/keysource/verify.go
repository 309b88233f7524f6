package keysource

import (
	"context"
	"time"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// QueryFor returns the query for the key that a JWS's header names.
func QueryFor(h *jose.Header) Query {
	return Query{KeyID: h.KeyID, HasKeyID: h.HasKeyID, Algorithm: jose.Algorithm(h.Algorithm)}
}

// Verify calls verify with the keys that may have signed a JWS, and returns its
// error. verify must return [jose.ErrSignature] if none of the keys signed it.
//
// If the JWS does not name its key and none of these keys signed it, a new key may
// have. Verify then requests a fetch as [Source.Search] does, from the same
// budget, and calls verify again with the newer keys. An invalid signature of a
// JWS that names its key causes no fetch.
//
// If no keys can be found, the error is that of [Source.Lookup].
func (s *Source) Verify(ctx context.Context, now time.Time, q Query, verify func(Candidates) error) error {
	found, err := s.At(now, q)
	if err == ErrUnknownKey {
		found, err = s.Search(ctx, q)
	}
	if err != nil {
		return err
	}
	rejected := verify(found)
	if rejected != jose.ErrSignature || q.HasKeyID && !found.Nameless {
		return rejected
	}
	newer, err := s.Missed(ctx, found.Generation, q)
	switch err {
	case nil:
		return verify(newer)
	case ErrUnknownKey:
		return rejected
	}
	return err
}

// Verify returns nil if one of the candidates signed in, and [jose.ErrSignature]
// otherwise.
func (c Candidates) Verify(alg jose.Algorithm, in *jose.Input, signature []byte) error {
	for _, key := range c.Keys {
		if key.VerifyInput(alg, in, signature) == nil {
			return nil
		}
	}
	return jose.ErrSignature
}

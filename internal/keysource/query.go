package keysource

import (
	"time"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// Query is what a token's header says of the key that signed it, and when the
// token was issued. All of it is the sender's choice.
type Query struct {
	KeyID     string
	HasKeyID  bool
	Algorithm jose.Algorithm

	// Issued is when the token claims to have been issued, and Leeway how far
	// the issuer's clock may be behind; zero if the token does not say. A token
	// that is newer than the keys at hand may have been signed by a newer key,
	// so that an unknown key is [UnavailableError] instead of [ErrUnknownKey]
	// while nothing may be fetched. [Source.At] does not need it.
	Issued time.Time
	Leeway time.Duration

	// after, if not zero, is a generation that did not have the key.
	after uint64
}

func (q Query) find(set *keySet) (Candidates, error) {
	if q.after != 0 && set.generation <= q.after {
		return Candidates{}, ErrUnknownKey
	}
	return set.find(q)
}

// newerThan reports whether the token claims to be newer than set.
func (q Query) newerThan(set *keySet) bool {
	return !q.Issued.IsZero() && q.Issued.Add(q.Leeway).After(set.fetched)
}

package keysource

import (
	"time"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// Query describes the key that signed a token, by the token's header, and says
// when the token was issued. An attacker chooses all of it.
type Query struct {
	KeyID     string
	HasKeyID  bool
	Algorithm jose.Algorithm

	// Issued is the token's iat, or zero if it has none, and Leeway is how far
	// the issuer's clock may be behind. A newer key may have signed a token that
	// is newer than the known keys. While the budget allows no fetch, an unknown
	// key of such a token is an [UnavailableError] instead of [ErrUnknownKey].
	// [Source.At] ignores both.
	Issued time.Time
	Leeway time.Duration

	// after, if not zero, is a generation that lacks the key.
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

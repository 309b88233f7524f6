package jwks

import (
	"context"
	"fmt"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/keysource"
)

// findKeys finds the keys that may have signed the token, at hand or by a fetch.
func (r *reader) findKeys(ctx context.Context, now time.Time, leeway time.Duration) error {
	q := r.query()
	found, err := r.issuer.source.At(now, q)
	if err == keysource.ErrUnknownKey {
		q.Issued, q.Leeway = r.issued(), leeway
		found, err = r.issuer.source.Search(ctx, q)
	}
	r.keys, r.total, r.generation, r.nameless = found.Keys, found.Total, found.Generation, found.Nameless
	return err
}

// findNewerKeys is findKeys after none of the keys proved a token that names
// none. It changes nothing if there are no newer keys.
func (r *reader) findNewerKeys(ctx context.Context, leeway time.Duration) error {
	q := r.query()
	q.Issued, q.Leeway = r.issued(), leeway
	found, err := r.issuer.source.Missed(ctx, r.generation, q)
	if err == nil {
		r.keys, r.total, r.generation, r.nameless = found.Keys, found.Total, found.Generation, found.Nameless
	}
	return err
}

func (r *reader) query() keysource.Query {
	h := &r.jws.Header
	return keysource.Query{KeyID: h.KeyID, HasKeyID: h.HasKeyID, Algorithm: jose.Algorithm(h.Algorithm)}
}

// issued returns when the token was issued by its own unproven word; zero if it
// does not say.
func (r *reader) issued() time.Time {
	at, err := r.values.Date(claims.Iat)
	if err != nil {
		return time.Time{}
	}
	return at
}

// signatureError says why the keys that were tried did not prove the token.
func (r *reader) signatureError() *bearer.Error {
	want := "a signature by the issuer's key"
	if r.total > 1 {
		why := "which share the token's kid"
		if !r.jws.Header.HasKeyID {
			why = "since the token has no kid"
		}
		want = fmt.Sprintf("a signature by one of the issuer's %d keys for %s, %s", r.total, r.jws.Header.Algorithm, why)
		if tried := len(r.keys); tried < r.total {
			want += fmt.Sprintf("; only the first %d were tried, so the issuer must name its key by a kid of its own", tried)
		}
	}
	return bearer.Invalid("signature", want, "another")
}

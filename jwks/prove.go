package jwks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"
	"unsafe"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/keysource"
	"github.com/bearerkit/bearerkit/internal/tokencache"
)

// entry is what the cache stores about a token whose signature was verified.
type entry = tokencache.Entry[facts]

func newCache(entries, bytes int, lookups *tokencache.Counters) *tokencache.Cache[facts] {
	return tokencache.New(tokencache.Config[facts]{
		Entries:  entries,
		Bytes:    bytes,
		Counters: lookups,
		Version:  (*facts).version,
		Rejected: jose.ErrSignature,
	})
}

// version returns the version of a token's cache entry as it should be now. A
// cached token is valid while its issuer's keys stay the same. Keys that are older
// than MaxStale count as changed, and so do those of an issuer that is gone.
func (f *facts) version(now time.Time) uint64 {
	if f.issuer.gone.Load() {
		return 0
	}
	return f.issuer.version(f.issuer.source.GenerationAt(now))
}

// version returns the version of what keys of a generation have verified. It
// differs between the issuers before and after a reconfiguration, so a proof or an
// entry of the one never counts for the other.
func (i *issuer) version(generation uint64) uint64 {
	if generation == 0 { // no key is usable
		return 0
	}
	return i.serial<<32 + generation
}

// prove verifies a token's signature and returns what the token says. If several
// calls have the same token at the same time, one does the work for all.
func (v *Verifier) prove(ctx context.Context, now time.Time, t *unverified, m *memory) (*facts, error) {
	q := keysource.QueryFor(&t.jws.Header)
	q.Issued, q.Leeway = t.issued(), t.snapshot.leeway
	var tried keysource.Candidates
	var proven *entry
	err := t.issuer.source.Verify(ctx, now, q, func(keys keysource.Candidates) (err error) {
		tried = keys
		proven, err = t.snapshot.cache.Do(ctx, now, t.text, t.issuer.version(keys.Generation), func() (*entry, error) {
			return v.check(t, keys, m)
		})
		return err
	})
	switch {
	case err == nil:
		return &proven.Value, nil
	case err == jose.ErrSignature:
		return nil, t.refuse(t.signatureError(tried))
	}
	return nil, t.keyError(err)
}

// check verifies a token's signature with keys and reads its claims.
func (v *Verifier) check(t *unverified, keys keysource.Candidates, m *memory) (*entry, error) {
	v.signatures.Add(1)
	s := t.snapshot
	m.input.Set(bytesOf(t.jws.SigningInput))
	if err := keys.Verify(jose.Algorithm(t.jws.Header.Algorithm), &m.input, t.jws.Signature); err != nil {
		return nil, err
	}
	v.headers.Keep(&t.jws)
	e := &entry{Version: t.issuer.version(keys.Generation)}
	f := &e.Value
	if refused := t.issuer.read(t, f, m); refused != nil {
		return nil, f.refuse(refused)
	}
	f.setTimes(s.leeway)
	if e.Transient = s.cache == nil || !f.holds(time.Now(), s.leeway); e.Transient {
		return e, nil
	}
	e.Expires = f.until
	e.Sum = m.input.SumToken(bytesOf(t.text))
	e.Weight = weigh(t.jws.Payload, len(f.principal.Scopes.String())+len(m.lists), bytes.Count(m.lists, []byte(","))+len(m.roles))
	return e, nil
}

// The approximate cost of an entry beyond the copy of its claims: the entry
// itself, and each value of a list.
const (
	entryOverhead = 768
	listOverhead  = 32
)

// weigh returns the cost of an entry in bytes.
func weigh(claims []byte, scopes, values int) int {
	return entryOverhead + len(claims) + scopes + listOverhead*values
}

// bytesOf returns the bytes of s without copying them. Use it only for code that
// neither changes nor keeps the bytes, such as hash functions.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// issued returns the token's unverified iat, or the zero time if iat is absent or
// malformed.
func (t *unverified) issued() time.Time {
	at, _ := t.claims.Date(claims.Iat)
	return at
}

// refuse adds the token's unverified issuer and key ID to a refusal.
func (t *unverified) refuse(e *bearer.Error) *bearer.Error {
	e.ClaimedIssuer = t.issuer.url
	e.ClaimedKeyID = jose.Printable(t.jws.Header.KeyID)
	return hinted(e)
}

// signatureError returns the refusal of a token that none of the tried keys
// signed.
func (t *unverified) signatureError(tried keysource.Candidates) *bearer.Error {
	want := "a signature by the issuer's key"
	if tried.Total > 1 {
		why := "which share the token's kid"
		if !t.jws.Header.HasKeyID {
			why = "since the token has no kid"
		}
		want = fmt.Sprintf("a signature by one of the issuer's %d keys for %s, %s", tried.Total, t.jws.Header.Algorithm, why)
		if n := len(tried.Keys); n < tried.Total {
			want += fmt.Sprintf("; only the first %d were tried, so the issuer must name its key by a unique kid", n)
		}
	}
	return bearer.Invalid("signature", want, "another")
}

// keyError translates an error of the key source. It returns any other error
// unchanged: a refusal of the token's claims, or the end of the caller's context.
func (t *unverified) keyError(err error) error {
	if unavailable, ok := errors.AsType[*keysource.UnavailableError](err); ok {
		e := bearer.Unavailable(err, unavailable.RetryAfter)
		e.Check, e.Suspect, e.Hint = "keys", unavailable.Suspect, unavailable.Hint
		return t.refuse(e)
	}
	switch {
	case errors.Is(err, keysource.ErrUnknownKey):
		return t.refuse(bearer.Invalid("kid", "the ID of a key that the issuer publishes", "an unknown ID; "+t.issuer.keysText()))
	case errors.Is(err, keysource.ErrKeyAlgorithm):
		return t.refuse(bearer.Invalid("kid", "the ID of a key for "+t.jws.Header.Algorithm, "the ID of a key for other algorithms"))
	}
	return err
}

// keysText says how many keys the token's kid was compared with.
func (i *issuer) keysText() string {
	s := i.source.Stats()
	if s.Fetched.IsZero() {
		return fmt.Sprintf("%d keys are configured", s.Keys)
	}
	return fmt.Sprintf("%d keys were fetched %v ago", s.Keys, time.Since(s.Fetched).Truncate(time.Second))
}

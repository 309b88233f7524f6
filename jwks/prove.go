package jwks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/internal/jose"
)

// reader is the memory that one token after the other is read into.
type reader struct {
	buffer jose.Buffer
	values claims.Values
	list   []string
}

// maxList is how long a list a reader may keep from one token to the next.
const maxList = 64

var readers = sync.Pool{New: func() any { return new(reader) }}

// release gives r to the next token. No byte of this one is left in it.
func (r *reader) release() {
	r.buffer.Clear()
	r.values.Clear()
	clear(r.list)
	if cap(r.list) > maxList {
		r.list = nil
	}
	readers.Put(r)
}

// unproven is a token that was read, and the keys one of which may have signed
// it.
type unproven struct {
	issuer     *issuer
	reader     *reader
	jws        *jose.JWS
	keys       []*jose.Key
	generation uint64 // of the keys
}

var errSignature = errors.New("jwks: the signature does not hold")

// prove checks the signature of a token, judges the token, and puts it into the
// cache if it is good. Of those who come with one token at the same time, one
// does the work. It returns errSignature if the signature does not hold.
func (v *Verifier) prove(ctx context.Context, t *unproven, key *cacheKey) (*bearer.Principal, error) {
	if key == nil {
		e, err := v.check(t)
		if err != nil {
			return nil, err
		}
		return e.judge(time.Now(), v.leeway)
	}
	e, f, leads := v.cache.join(key)
	if leads {
		defer v.cache.leave(f)
		f.generation = t.generation
		e, err := v.check(t)
		f.failed = err == errSignature
		if err != nil {
			return nil, err
		}
		e.key, f.entry = *key, e
		now := time.Now()
		p, err := e.judge(now, v.leeway)
		if err == nil {
			v.cache.add(e, now)
		}
		return p, err
	}
	if f != nil {
		select {
		case <-f.landed:
		case <-ctx.Done():
			return nil, fmt.Errorf("jwks: waiting for a signature check: %w", ctx.Err())
		}
		if f.failed && f.generation == t.generation {
			return nil, errSignature
		}
		e = f.entry
	}
	// Other keys than ours prove nothing, and one that led may have come to no
	// end.
	if e == nil || e.generation != t.generation {
		var err error
		if e, err = v.check(t); err != nil {
			return nil, err
		}
	}
	return e.judge(time.Now(), v.leeway)
}

// check checks the signature of a token and reads what the token says.
func (v *Verifier) check(t *unproven) (*entry, error) {
	v.signatures.add()
	input := bytesOf(t.jws.SigningInput)
	holds := func(k *jose.Key) bool {
		return k.VerifyBytes(jose.Algorithm(t.jws.Header.Algorithm), input, t.jws.Signature) == nil
	}
	if !slices.ContainsFunc(t.keys, holds) {
		return nil, errSignature
	}
	v.headers.Keep(t.jws)
	f, refused := t.issuer.read(t.reader, t.jws.Payload)
	if refused != nil {
		return nil, f.refuse(refused)
	}
	f.setTimes(v.leeway)
	e := &entry{facts: f, generation: t.generation}
	values := len(t.reader.list) + bytes.Count(t.reader.values.Raw(claims.AMR), []byte(","))
	e.weight = weigh(t.jws.Payload, len(e.principal.Scopes.String()), values)
	return e, nil
}

package jwks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/internal/jose"
)

// reader is a token that is being read, and the memory for it, which is that of
// one token after the other.
type reader struct {
	token      string
	tag        uint64 // zero without a cache
	issuer     *issuer
	jws        jose.JWS
	keys       []*jose.Key // one of them may have signed it
	total      int         // of the keys that may have; more than keys if not all are tried
	nameless   bool        // the keys have no ID, and the token names one
	generation uint64      // of the keys

	buffer jose.Buffer
	values claims.Values
	input  jose.Input
	flight *flight
	lists  []byte
	part   uint32 // of counters
}

// maxLists is how long a list may be that a reader keeps memory for.
const maxLists = 1 << 10

var readers = sync.Pool{New: func() any {
	return &reader{part: rand.Uint32()}
}}

// release gives r to the next token. Nothing of this one is left in it, but for
// what jose.Input.Clear says.
func (r *reader) release() {
	r.token, r.issuer, r.jws, r.keys = "", nil, jose.JWS{}, nil
	r.buffer.Clear()
	r.values.Clear()
	r.input.Clear()
	*r.ownFlight() = flight{}
	clear(r.lists)
	if cap(r.lists) > maxLists {
		r.lists = nil
	}
	readers.Put(r)
}

// ownFlight returns memory for a flight: that of the last, unless somebody waited
// for it, who may not have read it yet.
func (r *reader) ownFlight() *flight {
	if r.flight == nil || r.flight.landed != nil {
		r.flight = new(flight)
	}
	return r.flight
}

var errSignature = errors.New("jwks: the signature does not hold")

// prove checks the signature of a token, judges the token, and puts it into the
// cache if it is good. Of those who come with one token at the same time, one
// does the work. It returns errSignature if the signature does not hold.
func (v *Verifier) prove(ctx context.Context, r *reader) (*bearer.Principal, error) {
	if v.cache == nil {
		e, err := v.check(r)
		if err != nil {
			return nil, err
		}
		return e.judge(time.Now(), v.leeway)
	}
	e, f, leads := v.cache.join(r.token, r.tag, r.ownFlight())
	if leads {
		defer v.cache.leave(f)
		f.generation = r.generation
		e, err := v.check(r)
		f.failed = err == errSignature
		if err != nil {
			return nil, err
		}
		f.entry = e
		now := time.Now()
		p, err := e.judge(now, v.leeway)
		if err == nil {
			e.tag, e.sum, e.key = r.tag, f.sum, r.input.SumToken(bytesOf(r.token))
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
		if f.failed && f.generation == r.generation {
			return nil, errSignature
		}
		e = f.entry
	}
	// Other keys than ours prove nothing, and one that led may have come to no
	// end.
	if e == nil || e.generation != r.generation {
		var err error
		if e, err = v.check(r); err != nil {
			return nil, err
		}
	}
	return e.judge(time.Now(), v.leeway)
}

// check checks the signature of a token and reads what the token says.
func (v *Verifier) check(r *reader) (*entry, error) {
	v.signatures.add(r.part)
	r.input.Set(bytesOf(r.jws.SigningInput))
	algorithm := jose.Algorithm(r.jws.Header.Algorithm)
	holds := func(k *jose.Key) bool { return k.VerifyInput(algorithm, &r.input, r.jws.Signature) == nil }
	if !slices.ContainsFunc(r.keys, holds) {
		return nil, errSignature
	}
	v.headers.Keep(&r.jws)
	e := &entry{generation: r.generation}
	if refused := r.issuer.read(r, &e.facts); refused != nil {
		return nil, e.refuse(refused)
	}
	e.setTimes(v.leeway)
	e.weight = weigh(r.jws.Payload, len(e.principal.Scopes.String())+len(r.lists), bytes.Count(r.lists, []byte(",")))
	return e, nil
}

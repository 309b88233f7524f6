package jwks

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/keysource"
)

// Verifier verifies JWT access tokens. It is built by [New] and safe for
// concurrent use.
type Verifier struct {
	issuers    map[string]*issuer
	names      *claims.Names // of the claims of all profiles
	spellings  spellings
	leeway     time.Duration
	headers    jose.Headers
	cache      *cache // nil: none
	signatures counter
	refusals   refusals
}

var _ bearer.JWTVerifier = (*Verifier)(nil)

// OnlyJWTs says that Verify accepts nothing but JWTs, as bearer.JWTVerifier asks.
func (*Verifier) OnlyJWTs() {}

// Verify judges a token (RFC 9068, Section 4; RFC 8725). What is no JWT, and a
// JWT of an issuer that is not configured, is bearer.ErrUnrecognized; keys out
// of reach, and an unknown key of a token that is newer than the last fetch while
// no fetch is allowed, are a bearer.Error of bearer.CodeUnavailable.
//
// What needs no key is judged first, so that junk costs no signature check and
// no fetch; but what a token claims, its expiry included, is judged only once
// its signature holds.
//
// A token that was accepted is known for a while, so that its signature is not
// checked again as long as its issuer's keys are the same; all else is judged
// each time. The principal may be that of other calls too, and is not to be
// changed.
func (v *Verifier) Verify(ctx context.Context, token string) (*bearer.Principal, error) {
	p, err := v.verify(ctx, token)
	if err != nil {
		v.refusals.count(err)
		return nil, err
	}
	return p, nil
}

func (v *Verifier) verify(ctx context.Context, token string) (*bearer.Principal, error) {
	if !beginsAsJWT(token) {
		return nil, notJWT() // and not worth a hash
	}
	now := time.Now()
	if v.cache == nil {
		return v.first(ctx, now, token, 0)
	}
	tag := tagOf(token)
	if e := v.cache.get(token, tag); e != nil {
		if e.stands(now) {
			v.cache.hits.add(rand.Uint32())
			p, err := e.judge(now, v.leeway)
			if err != nil {
				v.cache.remove(e)
			}
			return p, err
		}
		v.cache.remove(e)
	}
	return v.first(ctx, now, token, tag)
}

// beginsAsJWT reports whether a token may be a JWT by its first character: that
// of the base64url of a brace, or of JSON's white space before it.
func beginsAsJWT(token string) bool {
	if token == "" {
		return false
	}
	switch token[0] {
	case 'e', 'I', 'C', 'D':
		return true
	}
	return false
}

// bytesOf returns the bytes of s without a copy of them, for hash functions and
// signature checks, which read them and keep none when a token was judged. Nobody
// may change them.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

func notJWT() error {
	return hinted(bearer.Unrecognized("form", "a JWT in compact serialization", "another token"))
}

// first judges a token that is not in the cache.
func (v *Verifier) first(ctx context.Context, now time.Time, token string, tag uint64) (*bearer.Principal, error) {
	r := readers.Get().(*reader)
	defer r.release()
	r.token, r.tag = token, tag
	if v.cache != nil {
		v.cache.misses.add(r.part)
	}
	var err error
	if r.jws, err = r.buffer.Parse(token, &v.headers); err != nil {
		if malformed, ok := errors.AsType[*jose.MalformedError](err); ok {
			refused := bearer.Invalid(malformed.Part, "a well-formed JWS", malformed.Reason)
			refused.Hint = hintFor("header") // whichever part it is
			return nil, refused
		}
		return nil, notJWT()
	}
	if err := r.values.Read(v.names, r.jws.Payload); err != nil {
		return nil, hinted(bearer.Invalid("claims", expectIssuer, err.Error()))
	}
	if r.issuer, err = v.issuerOf(&r.values); err != nil {
		return nil, err
	}
	h := &r.jws.Header
	if refused := r.issuer.checkHeader(h); refused != nil {
		return nil, r.unproven(refused)
	}
	if err := r.findKeys(ctx, now, v.leeway); err != nil {
		return nil, r.keyError(err)
	}
	p, err := v.prove(ctx, r)
	if err == errSignature && (!h.HasKeyID || r.nameless) {
		// A token whose key is not named may have been signed by a new one.
		switch err = r.findNewerKeys(ctx, v.leeway); err {
		case nil:
			p, err = v.prove(ctx, r)
		case keysource.ErrUnknownKey:
			err = errSignature
		default:
			return nil, r.keyError(err)
		}
	}
	if err == errSignature {
		return nil, r.unproven(r.signatureError())
	}
	return p, err
}

// checkHeader judges what is the same for a genuine and a forged token.
func (i *issuer) checkHeader(h *jose.Header) *bearer.Error {
	if !slices.Contains(i.algorithms, jose.Algorithm(h.Algorithm)) {
		return bearer.Invalid("alg", fmt.Sprintf("one of %v (Issuer.Algorithms)", i.algorithms), fmt.Sprintf("%.16q", h.Algorithm))
	}
	if i.requireKeyID && !h.HasKeyID {
		return bearer.Invalid("kid", "the ID of a key, as Issuer.RequireKeyID demands", "none")
	}
	if !i.profile.acceptsType(h.Type) {
		got := "none"
		if h.HasType {
			got = fmt.Sprintf("%.64q", h.Type)
		}
		return bearer.Invalid("typ", fmt.Sprintf("one of %q (Issuer.Profile)", i.profile.types), got)
	}
	return nil
}

func (i *issuer) checkAudience(p *bearer.Principal) *bearer.Error {
	for _, audience := range i.audience {
		if p.HasAudience(audience) {
			return nil
		}
	}
	return bearer.Invalid(i.profile.Name(i.profile.audience),
		fmt.Sprintf("one of %q (Issuer.Audience)", i.audience), audienceText(p))
}

func audienceText(p *bearer.Principal) string {
	if audience := p.Audience(); len(audience) > 0 {
		return fmt.Sprintf("%.200q", strings.Join(audience, " "))
	}
	return "none"
}

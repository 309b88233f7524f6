package jwks

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/internal/counters"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/tokencache"
)

// Verifier verifies JWT access tokens. Use [New] to build one. It is safe for
// concurrent use.
type Verifier struct {
	issuers    map[string]*issuer // by URL
	names      *claims.Names      // the claims that any profile reads
	spellings  spellings
	leeway     time.Duration
	headers    jose.Headers
	cache      *tokencache.Cache[facts] // nil: no cache
	signatures atomic.Uint64
	refusals   counters.ByName
}

var _ bearer.Verifier = (*Verifier)(nil)

// OnlyJWTs does nothing. Its presence tells the guard that Verify accepts only
// JWTs, which consist of base64url characters and dots. The guard then need not
// check each character of a token (RFC 6750, Section 2.1) that v accepts, which
// would make a request with a known token a quarter slower.
func (*Verifier) OnlyJWTs() {}

// Verify verifies a token (RFC 9068, Section 4; RFC 8725). It returns:
//
//   - [bearer.ErrUnrecognized] for a token that is not a JWT, and for a JWT from
//     an issuer that is not configured;
//   - a [bearer.Error] of [bearer.CodeInvalidToken] for any other token that is
//     not good;
//   - a [bearer.Error] of [bearer.CodeUnavailable] if the issuer's keys are
//     unavailable, or if the token names an unknown key, is newer than the last
//     fetch, and the budget allows no other fetch yet.
//
// Checks that need no key come first, so that junk costs neither a signature
// check nor a fetch. What the token claims, including its expiry, is judged only
// after its signature was verified.
//
// Verify caches each token that it accepts, and does not check the signature
// again while the issuer's keys stay the same. It judges everything else on each
// call. Calls may share the principal: do not modify it.
func (v *Verifier) Verify(ctx context.Context, token string) (*bearer.Principal, error) {
	p, err := v.verify(ctx, token)
	if err != nil {
		check := "canceled"
		if refused, ok := errors.AsType[*bearer.Error](err); ok {
			check = refused.Check
		}
		v.refusals.Add(check)
		return nil, err
	}
	return p, nil
}

func (v *Verifier) verify(ctx context.Context, token string) (*bearer.Principal, error) {
	if !beginsAsJWT(token) {
		return nil, notJWT()
	}
	now := time.Now()
	known := v.cache.Get(token, now)
	if known == nil {
		return v.verifyNew(ctx, now, token)
	}
	p, err := known.Value.judge(now, v.leeway)
	if err != nil {
		v.cache.Remove(known)
	}
	return p, err
}

// verifyNew verifies a token that is not in the cache.
func (v *Verifier) verifyNew(ctx context.Context, now time.Time, token string) (*bearer.Principal, error) {
	m := memories.Get().(*memory)
	defer m.release()
	jws, err := v.parse(token, m)
	if err != nil {
		return nil, err
	}
	values, err := v.readClaims(jws.Payload, m)
	if err != nil {
		return nil, err
	}
	issuer, err := v.issuerOf(values)
	if err != nil {
		return nil, err
	}
	t := &unverified{text: token, jws: jws, claims: values, issuer: issuer}
	if refused := issuer.checkHeader(&jws.Header); refused != nil {
		return nil, t.refuse(refused)
	}
	proven, err := v.prove(ctx, now, t, m)
	if err != nil {
		return nil, err
	}
	return proven.judge(time.Now(), v.leeway)
}

// beginsAsJWT reports whether a token's first character allows a JWT: the
// base64url of a brace, or of white space before a brace. Other tokens need not be
// hashed.
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

// notJWT returns the refusal of a token that is not a JWT.
func notJWT() error {
	return hinted(bearer.Unrecognized("form", "a JWT in compact serialization", "another token"))
}

// parse splits and decodes a token.
func (v *Verifier) parse(token string, m *memory) (jose.JWS, error) {
	jws, err := m.buffer.Parse(token, &v.headers)
	if err == nil {
		return jws, nil
	}
	if malformed, ok := errors.AsType[*jose.MalformedError](err); ok {
		refused := bearer.Invalid(malformed.Part, "a well-formed JWS", malformed.Reason)
		refused.Hint = hintFor("header") // the same for each part
		return jose.JWS{}, refused
	}
	return jose.JWS{}, notJWT()
}

func (v *Verifier) readClaims(payload []byte, m *memory) (*claims.Values, error) {
	if err := m.values.Read(v.names, payload); err != nil {
		return nil, hinted(bearer.Invalid("claims", expectIssuer, err.Error()))
	}
	return &m.values, nil
}

// unverified is a parsed token whose signature has not been verified yet.
type unverified struct {
	text   string
	jws    jose.JWS
	claims *claims.Values
	issuer *issuer // the one that the token claims to come from
}

// memory holds the buffers for parsing a token and verifying its signature. A pool
// reuses it for later tokens.
type memory struct {
	buffer jose.Buffer
	values claims.Values
	input  jose.Input
	lists  []byte
	roles  []string
}

// maxLists and maxRoles are the sizes up to which lists and roles keep their
// memory.
const (
	maxLists = 1 << 10
	maxRoles = 1 << 6
)

var memories = sync.Pool{New: func() any { return new(memory) }}

// release returns m to the pool. It erases the token, except for what
// [jose.Input.Clear] mentions.
func (m *memory) release() {
	m.buffer.Clear()
	m.values.Clear()
	m.input.Clear()
	clear(m.lists)
	if cap(m.lists) > maxLists {
		m.lists = nil
	}
	clear(m.roles[:cap(m.roles)]) // malformed ones lie beyond the length
	if m.roles = m.roles[:0]; cap(m.roles) > maxRoles {
		m.roles = nil
	}
	memories.Put(m)
}

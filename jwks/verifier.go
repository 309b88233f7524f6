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
	current    atomic.Pointer[snapshot]
	profiles   *profiles
	clients    clients
	serials    atomic.Uint64 // the serial of the newest issuer
	headers    jose.Headers
	lookups    tokencache.Counters
	signatures atomic.Uint64
	refusals   counters.ByName
	events     eventChecks
	resolves   resolveCounters
	resolving  sync.WaitGroup // calls of Config.Resolve, and closing of the issuers that were evicted

	mu     sync.Mutex // held while current is replaced
	closed bool
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
//     an issuer that neither [Config.Issuers] nor [Config.Resolve] knows;
//   - a [bearer.Error] of [bearer.CodeInvalidToken] for any other token that is
//     not good;
//   - a [bearer.Error] of [bearer.CodeUnavailable] if the issuer's keys are
//     unavailable, if Config.Resolve cannot tell or is too busy, or if the token
//     names an unknown key, is newer than the last fetch, and the budget allows
//     no other fetch yet.
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
	s := v.current.Load()
	known := s.cache.Get(token, now)
	if known == nil {
		return v.verifyNew(ctx, s, now, token)
	}
	f := &known.Value
	p, err := f.judge(now, s.leeway)
	if err != nil {
		s.cache.Remove(known)
	} else if f.issuer.approval != nil {
		f.issuer.touch(now)
	}
	return p, err
}

// verifyNew verifies a token that is not in the cache of s. If the configuration
// changes meanwhile, the new one judges the token.
func (v *Verifier) verifyNew(ctx context.Context, s *snapshot, now time.Time, token string) (*bearer.Principal, error) {
	m := memories.Get().(*memory)
	defer m.release()
	jws, err := v.parse(token, m)
	if err != nil {
		return nil, err
	}
	t := &unverified{text: token, jws: jws}
	for {
		t.snapshot = s
		p, err := v.verifyUnder(ctx, now, t, m)
		if current := v.current.Load(); current != s {
			s, now = current, time.Now()
			continue
		}
		return p, err
	}
}

// verifyUnder verifies a token by the configuration t.snapshot.
func (v *Verifier) verifyUnder(ctx context.Context, now time.Time, t *unverified, m *memory) (*bearer.Principal, error) {
	for evicted := 0; ; evicted++ {
		if err := v.readClaims(t, m); err != nil {
			return nil, err
		}
		if err := t.findIssuer(ctx); err != nil {
			return nil, err
		}
		p, err := v.verifyFrom(ctx, now, t, m)
		// An issuer that was evicted meanwhile had no time to fetch its keys.
		if err != nil && t.issuer.approval != nil && t.issuer.gone.Load() && evicted < maxEvictions && ctx.Err() == nil {
			continue
		}
		return p, err
	}
}

// maxEvictions is how often a token waits again for its issuer, which was evicted.
const maxEvictions = 2

// verifyFrom verifies a token of a known issuer.
func (v *Verifier) verifyFrom(ctx context.Context, now time.Time, t *unverified, m *memory) (*bearer.Principal, error) {
	if refused := t.issuer.checkHeader(&t.jws.Header); refused != nil {
		return nil, t.refuse(refused)
	}
	if err := t.claims.Under(t.issuer.profile.Names, t.jws.Payload); err != nil {
		return nil, hinted(bearer.Invalid("claims", expectIssuer, err.Error()))
	}
	proven, err := v.prove(ctx, now, t, m)
	if err != nil {
		return nil, err
	}
	now = time.Now()
	p, err := proven.judge(now, t.snapshot.leeway)
	if err == nil && t.issuer.approval != nil {
		t.snapshot.resolver.promote(t.issuer, now)
	}
	return p, err
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

func (v *Verifier) readClaims(t *unverified, m *memory) error {
	t.claims = &m.values
	if err := t.claims.Read(v.profiles.names.Load(), t.jws.Payload); err != nil {
		return hinted(bearer.Invalid("claims", expectIssuer, err.Error()))
	}
	return nil
}

// unverified is a parsed token whose signature has not been verified yet.
type unverified struct {
	text     string
	jws      jose.JWS
	snapshot *snapshot // the configuration that judges the token
	claims   *claims.Values
	issuer   *issuer // the one that the token claims to come from
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

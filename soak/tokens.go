package main

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	mathrand "math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/soak/internal/instance"
)

// The algorithms of the tokens. The first two keys are replaced during the run;
// the third is replaced often, so that a new key comes at any time.
const (
	rotating    = "ES256"
	withdrawing = "EdDSA"
	replacing   = "ES384"
	lasting     = "RS256"
)

const (
	pooled  = 40 // tokens that are used again and again
	maxGone = 60 // withdrawn, revoked and denied tokens of each kind
)

// purse has the tokens of one side. It is safe for concurrent use.
type purse struct {
	issuer *bearertest.Issuer
	client *client

	// mu is held for writing while keys change, so that each token is known to be
	// of the old or of the new key.
	mu        sync.RWMutex
	serial    int
	published map[string]time.Time // when the key of an algorithm was published
	unborn    bool                 // the issuer's present fault hides its keys
	kid       string               // the newest withdrawing key
	born      []string             // the keys of the newborn tokens that are still published
	pool      []pooledToken
	hostile   []token
	opaque    []token
	newborn   token
	withdrawn []token
	revoked   []token
	denied    []token
}

type pooledToken struct {
	token
	algorithm string
}

func newPurse(issuer *bearertest.Issuer, c *client) (*purse, error) {
	p := &purse{issuer: issuer, client: c, published: map[string]time.Time{}}
	kid, err := issuer.AddKey(withdrawing)
	if err != nil {
		return nil, err
	}
	p.kid = kid
	p.fill()
	return p, nil
}

// fill mints the tokens that are used again and again.
func (p *purse) fill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pool = nil
	for i := range pooled {
		algorithm := []string{rotating, withdrawing, lasting}[i%3]
		p.pool = append(p.pool, pooledToken{p.mint(algorithm, bearertest.Token{}), algorithm})
	}
	for len(p.opaque) < pooled/2 {
		p.opaque = append(p.opaque, p.mintOpaque())
	}
	p.newborn = p.mint(replacing, bearertest.Token{})
	p.fillHostile()
}

// name returns a subject that no other token has, and marks the token with it. The
// caller holds mu.
func (p *purse) name(t *bearertest.Token) string {
	p.serial++
	t.Subject = fmt.Sprintf("user-%d", p.serial)
	t.Scope = instance.Scope
	t.TTL = 24 * time.Hour
	return t.Subject
}

// mint mints a token with a subject of its own. The caller holds mu.
func (p *purse) mint(algorithm string, t bearertest.Token) token {
	scope, ttl := t.Scope, t.TTL
	subject := p.name(&t)
	if ttl != 0 {
		t.TTL = ttl
	}
	if scope != "" {
		t.Scope = scope
	}
	t.Algorithm = algorithm
	if t.Claims == nil {
		t.Claims = map[string]any{}
	}
	id := rand.Text()
	t.Claims["jti"] = id
	return token{value: p.issuer.Mint(t), subject: subject, id: id, published: p.published[algorithm], unborn: p.unborn}
}

func (p *purse) mintOpaque() token {
	var t bearertest.Token
	subject := p.name(&t)
	return token{value: p.issuer.MintOpaque(t), subject: subject, revoked: new(atomic.Bool)}
}

// fillHostile mints the hostile tokens. The caller holds mu.
func (p *purse) fillHostile() {
	p.hostile = nil
	for _, h := range p.issuer.Hostile(bearertest.Token{Algorithm: rotating, Scope: instance.Scope}) {
		p.hostile = append(p.hostile, token{
			value: h.Token, subject: h.Name, published: p.published[rotating], usual: answerOf(h.Status), needs: needOf(h),
		})
	}
}

// needOf says whom an instance must ask about a hostile token: the issuer for the
// keys, if the token names another key, or the introspection endpoint, if the token
// does not look like a signed JWT (docs/opaque-tokens.md).
func needOf(h bearertest.HostileToken) need {
	encoded, _, _ := strings.Cut(h.Token, ".")
	header, err := base64.RawURLEncoding.DecodeString(encoded)
	dots := strings.Count(h.Token, ".")
	switch {
	case h.Status == 431:
		return needsNobody
	case dots < 2, dots == 4, err != nil, !strings.HasPrefix(string(header), "{"):
		return needsAnswers
	case strings.HasPrefix(h.Name, `kid "`), h.Name == "a foreign key, embedded, unknown kid", strings.HasPrefix(h.Name, "a foreign key behind"):
		return needsKeys
	}
	return needsNobody
}

// take returns a token of a kind, or false if there is none.
func (p *purse) take(k kind, random *mathrand.Rand) (token, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	algorithm := []string{rotating, withdrawing, lasting}[random.IntN(3)]
	one := func(list []token) (token, bool) {
		if len(list) == 0 {
			return token{}, false
		}
		return list[random.IntN(len(list))], true
	}
	switch k {
	case good:
		return p.pool[random.IntN(len(p.pool))].token, true
	case fresh:
		return p.mint(algorithm, bearertest.Token{}), true
	case expired:
		return p.mint(algorithm, bearertest.Token{TTL: -time.Hour}), true
	case poor:
		return p.mint(algorithm, bearertest.Token{Scope: "orders:write"}), true
	case newborn:
		return p.newborn, true
	case hostile:
		return one(p.hostile)
	case unknown:
		claims := map[string]any{"iat": time.Now().Add(-time.Hour).Unix()}
		return p.mint(lasting, bearertest.Token{Header: map[string]any{"kid": rand.Text()}, Claims: claims}), true
	case proven, stolen:
		return p.mint(algorithm, bearertest.Token{Claims: map[string]any{"cnf": map[string]any{"jkt": p.client.jkt}}}), true
	case mutual, bare:
		return p.mint(algorithm, bearertest.Token{Claims: map[string]any{"cnf": map[string]any{"x5t#S256": p.client.x5t}}}), true
	case opaque:
		return one(p.opaque)
	case junk:
		raw := make([]byte, 24)
		_, _ = rand.Read(raw) // it never fails
		return token{value: base64.RawURLEncoding.EncodeToString(raw)}, true
	case withdrawn:
		return one(p.withdrawn)
	case revoked:
		return one(p.revoked)
	case denied:
		return one(p.denied)
	}
	return token{}, true
}

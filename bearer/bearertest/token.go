package bearertest

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"maps"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// The defaults of Token, except for Audience, which is the issuer's.
const (
	defaultAlgorithm = "ES256"
	defaultSubject   = "alice"
	defaultClientID  = "app"
	defaultTTL       = time.Hour
)

// Token describes the token that [Issuer.Mint] mints. The zero Token is a good
// access token by RFC 9068 without scopes. Each field changes one thing.
type Token struct {
	// Algorithm is the signature algorithm. Default: ES256.
	Algorithm string

	// Subject and ClientID are sub and client_id. Default: alice and app.
	Subject, ClientID string

	// Audience is aud. Default: the issuer's.
	Audience []string

	// Scope is scope. Default: no such claim.
	Scope string

	// TTL is the time from now to exp. A negative TTL mints an expired token.
	// Default: one hour.
	TTL time.Duration

	// Header and Claims replace members of the header and the payload, or add
	// new ones. A nil value removes a member.
	Header, Claims map[string]any
}

// Mint returns a token, signed by the issuer's newest key for the algorithm. It
// panics if the token cannot be minted, for example for an unknown algorithm.
func (i *Issuer) Mint(t Token) string {
	t.Algorithm = cmp.Or(t.Algorithm, defaultAlgorithm)
	k, err := i.signer(jose.Algorithm(t.Algorithm))
	if err != nil {
		panic(err)
	}
	return i.mint(k, t)
}

func (i *Issuer) mint(k *key, t Token) string {
	header := overlay(map[string]any{"typ": "at+jwt", "alg": t.Algorithm, "kid": k.id}, t.Header)
	return sign(k, t.Algorithm, header, i.claims(t))
}

// claims returns the payload of a token.
func (i *Issuer) claims(t Token) []byte {
	t.TTL = cmp.Or(t.TTL, defaultTTL)
	if t.Audience == nil {
		t.Audience = i.audience
	}
	now := time.Now()
	claims := map[string]any{
		"iss":       i.url,
		"sub":       cmp.Or(t.Subject, defaultSubject),
		"client_id": cmp.Or(t.ClientID, defaultClientID),
		"aud":       t.Audience,
		"iat":       min(now.Unix(), now.Add(t.TTL).Unix()),
		"exp":       now.Add(t.TTL).Unix(),
		"jti":       rand.Text(),
	}
	if t.Scope != "" {
		claims["scope"] = t.Scope
	}
	return overlay(claims, t.Claims)
}

// Sign returns the compact JWS of any header and payload, signed by the issuer's
// newest key for the algorithm. It panics if the issuer has no such key.
func (i *Issuer) Sign(algorithm string, header, payload []byte) string {
	k, err := i.signer(jose.Algorithm(algorithm))
	if err != nil {
		panic(err)
	}
	return sign(k, algorithm, header, payload)
}

func sign(k *key, algorithm string, header, payload []byte) string {
	token, err := jose.Sign(k.private, jose.Algorithm(algorithm), header, payload)
	if err != nil {
		panic(fmt.Errorf("bearertest: %w", err))
	}
	return token
}

func overlay(members, over map[string]any) []byte {
	maps.Copy(members, over)
	maps.DeleteFunc(members, func(_ string, v any) bool { return v == nil })
	document, err := json.Marshal(members, json.Deterministic(true))
	if err != nil {
		panic(fmt.Errorf("bearertest: %w", err))
	}
	return document
}

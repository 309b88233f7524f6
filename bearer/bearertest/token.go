package bearertest

import (
	"crypto/rand"
	"fmt"
	"maps"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// Token says what [Issuer.Mint] mints. The zero Token is a good access token
// after RFC 9068 without scopes; each field changes one thing.
type Token struct {
	// Algorithm is that of the signature. Default: ES256.
	Algorithm string

	// Subject and ClientID are sub and client_id. Default: alice and app.
	Subject, ClientID string

	// Audience is aud. Default: that of the issuer.
	Audience []string

	// Scope is the claim scope; empty: none.
	Scope string

	// TTL is the time from now to exp. Default: one hour. Negative: expired.
	TTL time.Duration

	// Header and Claims are put over what is in the header and the payload
	// otherwise: a value replaces one, nil takes one away.
	Header, Claims map[string]any
}

// Mint returns a token, signed by the newest key that fits. It panics on what
// cannot be minted, such as an unknown algorithm.
func (i *Issuer) Mint(t Token) string {
	if t.Algorithm == "" {
		t.Algorithm = "ES256"
	}
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
	or := func(value, fallback string) string {
		if value == "" {
			return fallback
		}
		return value
	}
	if t.TTL == 0 {
		t.TTL = time.Hour
	}
	if t.Audience == nil {
		t.Audience = i.audience
	}
	now := time.Now()
	claims := map[string]any{
		"iss":       i.url,
		"sub":       or(t.Subject, "alice"),
		"client_id": or(t.ClientID, "app"),
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

// Sign returns the compact JWS of a header and a payload, whatever they are,
// by the newest key for an algorithm. It panics if there is none.
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

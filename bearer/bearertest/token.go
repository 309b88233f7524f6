package bearertest

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha512"
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
	// Shape says whose tokens the token looks like. Default: RFC 9068.
	Shape Shape

	// Kind is the kind of token. Default: an access token.
	Kind Kind

	// Algorithm is the signature algorithm. Default: the shape's, which is ES256
	// for RFC 9068, SPIFFE and GoogleIAP, and RS256 for the others.
	Algorithm string

	// Subject and ClientID are the subject and the client's ID. Default: alice and
	// app, or, where the shape has them, the names of a workload and the audience.
	Subject, ClientID string

	// ForClient mints a token that a client got for itself, with the issuer's
	// marks for it.
	ForClient bool

	// Audience is aud. Default: the issuer's. The shapes Cognito and Spring have
	// the client's ID instead: by default, the first value of the audience.
	Audience []string

	// Scope has the scopes, and Roles the roles. The shape says in which claims
	// they are, if any. Default: no such claim.
	Scope string
	Roles []string

	// TTL is the time from now to exp. A negative TTL mints an expired token.
	// Default: one hour.
	TTL time.Duration

	// Header and Claims replace members of the header and the payload, or add
	// new ones. A nil value removes a member.
	Header, Claims map[string]any
}

// algorithm returns the algorithm that signs t.
func (t Token) algorithm() string {
	return cmp.Or(t.Algorithm, forms[t.Shape].algorithm, "RS256")
}

// Mint returns a token, signed by the issuer's newest key for the algorithm. It
// panics if the token cannot be minted, for example for an unknown algorithm, or
// for a kind that issuers of the shape do not sign.
func (i *Issuer) Mint(t Token) string {
	t.Algorithm = t.algorithm()
	k, err := i.signer(jose.Algorithm(t.Algorithm))
	if err != nil {
		panic(err)
	}
	return i.mint(k, t)
}

func (i *Issuer) mint(k *key, t Token) string {
	d := i.document(t)
	header := members{"typ": d.typ, "alg": t.Algorithm, "kid": k.id}
	if d.secret {
		header["alg"], header["kid"] = "HS512", rand.Text()
		return signSecretly(overlay(header, t.Header), overlay(d.claims, t.Claims))
	}
	return sign(k, t.Algorithm, overlay(header, t.Header), overlay(d.claims, t.Claims))
}

// signSecretly signs with HS512 and a new key, as an issuer does for itself.
func signSecretly(header, payload []byte) string {
	input := encode(header) + "." + encode(payload)
	mac := hmac.New(sha512.New, []byte(rand.Text()))
	mac.Write([]byte(input))
	return input + "." + encode(mac.Sum(nil))
}

// claims returns the payload of a token.
func (i *Issuer) claims(t Token) []byte { return overlay(i.document(t).claims, t.Claims) }

// document returns a token with all claims, without those of t.Claims.
func (i *Issuer) document(t Token) document {
	if t.Audience == nil {
		t.Audience = i.audience
	}
	client := t.ClientID
	if client == "" && forms[t.Shape].audienceIsClient && len(t.Audience) > 0 {
		client = t.Audience[0]
	}
	now, ttl := time.Now(), cmp.Or(t.TTL, defaultTTL)
	issued, expires := min(now.Unix(), now.Add(ttl).Unix()), now.Add(ttl).Unix()
	d := t.Shape.document(t.Kind, grant{
		iss: i.url, subject: t.Subject, client: cmp.Or(client, defaultClientID), audience: t.Audience,
		scopeText: t.Scope, roles: t.Roles, own: t.ForClient, issued: issued,
	})
	d.claims = merged(members{"iss": i.url, "iat": issued, "exp": expires}, d.claims)
	return d
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

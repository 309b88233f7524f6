package dev

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/internal/jose"
)

// idTokenAlgorithm is the algorithm that every OpenID client supports (OpenID
// Connect Discovery, Section 3).
const idTokenAlgorithm = jose.RS256

// token is a token that the issuer gave out.
type token struct {
	grant   *grant
	id      bool   // an ID token
	claims  []byte // as introspection answers
	scope   string
	expires time.Time
}

// mintAccess returns an access token and its lifetime.
func (i *issuer) mintAccess(g *grant, w wish) (text string, life time.Duration) {
	life = cmp.Or(w.life, i.config.AccessTTL)
	t := bearertest.Token{
		Shape: i.config.Profile, ClientID: g.client.ID, Audience: w.audience, Scope: w.scope, TTL: life,
		ForClient: g.user == nil, Roles: g.client.Roles, Claims: map[string]any{},
	}
	if w.shape != nil {
		t.Shape = *w.shape
	}
	if audienceIsClient(t.Shape) {
		t.Audience = []string{g.client.ID}
	}
	switch {
	case g.user != nil:
		t.Subject, t.Roles = subject(t.Shape, g.user), g.user.Roles
		maps.Copy(t.Claims, g.user.Claims)
	case t.Shape == bearertest.Firebase: // it has tokens of users alone
		t.ForClient, t.Subject = false, g.client.ID
	}
	if w.roles != nil {
		t.Roles = w.roles
	}
	g.sessionClaims(t.Claims)
	if t.Shape == bearertest.ADFS {
		delete(t.Claims, "auth_time") // AD FS writes it as a text
	}
	maps.Copy(t.Claims, w.claims)
	text = i.kit.Mint(t)
	claims := payloadOf(text)
	if w.format == formatOpaque || w.format == "" && i.config.Opaque {
		text = "opaque_" + randomText()
	}
	i.issued.put(digestOf(text), &token{grant: g, claims: claims, scope: w.scope, expires: time.Now().Add(life)}, life)
	return text, life
}

// sessionClaims adds the claims about the sign-in.
func (g *grant) sessionClaims(claims map[string]any) {
	if g.session != nil {
		claims["sid"] = g.session.id
	}
	if !g.authTime.IsZero() {
		claims["auth_time"] = g.authTime.Unix()
	}
	if g.acr != "" {
		claims["acr"] = g.acr
	}
}

// mintID returns an ID token (OpenID Connect Core, Section 2).
func (i *issuer) mintID(g *grant, access string) string {
	claims := map[string]any{"nonce": nil, "at_hash": halfHash(access), "aud": g.client.ID}
	maps.Copy(claims, i.profileClaims(g.user, g.scope))
	if g.nonce != "" {
		claims["nonce"] = g.nonce
	}
	g.sessionClaims(claims)
	t := bearertest.Token{
		Shape: i.config.Profile, Kind: bearertest.IDToken, Algorithm: string(idTokenAlgorithm),
		Subject: subject(i.config.Profile, g.user), ClientID: g.client.ID, Roles: g.user.Roles, TTL: i.config.AccessTTL, Claims: claims,
	}
	if !slices.Contains(t.Shape.Kinds(), bearertest.IDToken) {
		t.Shape = bearertest.RFC9068
	}
	text := i.kit.Mint(t)
	i.issued.put(digestOf(text), &token{grant: g, id: true}, max(hintLife, i.config.AccessTTL))
	return text
}

// profileClaims returns the claims that scopes ask for (OpenID Connect Core, Section
// 5.4).
func (i *issuer) profileClaims(u *User, granted string) map[string]any {
	claims := maps.Clone(u.Claims)
	if claims == nil {
		claims = map[string]any{}
	}
	claims["sub"] = subject(i.config.Profile, u)
	scopes := strings.Fields(granted)
	if slices.Contains(scopes, "profile") {
		_, first := utf8.DecodeRuneInString(u.Name)
		claims["name"], claims["preferred_username"] = strings.ToUpper(u.Name[:first])+u.Name[first:], u.Name
	}
	if slices.Contains(scopes, "email") {
		claims["email"], claims["email_verified"] = u.Email, true
	}
	return claims
}

// halfHash returns the at_hash of a token for RS256 (OpenID Connect Core, Section
// 3.1.3.6).
func halfHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

// payloadOf returns the payload of a JWT that the issuer signed.
func payloadOf(text string) []byte {
	jws, err := jose.Parse(text)
	if err != nil {
		return nil
	}
	return jws.Payload
}

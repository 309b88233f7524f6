package conform

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// The forms of a token.
const (
	formJWT    = "jwt"
	formOpaque = "opaque"
)

// Recipe says how a token or a DPoP proof differs from a good one. The zero Recipe
// is a good one.
type Recipe struct {
	// Form is jwt or opaque. Default: the form that the API takes; jwt if it takes
	// both. The claims of an opaque token are what introspection answers.
	Form string `json:"form"`

	// Alg is the algorithm that signs. The header names it too, unless Header
	// replaces it. Default: that of the run for tokens, ES256 for proofs.
	Alg string `json:"alg"`

	// Header and Claims replace members or add new ones; NoHeader and NoClaims
	// remove them.
	Header   map[string]jsontext.Value `json:"header"`
	Claims   map[string]jsontext.Value `json:"claims"`
	NoHeader []string                  `json:"noHeader"`
	NoClaims []string                  `json:"noClaims"`

	// HeaderText and ClaimsText replace the whole document. {header} and {claims}
	// are the documents, {header-rest} and {claims-rest} the same without the
	// first brace, {header-open} and {claims-open} without the last.
	HeaderText string `json:"headerText"`
	ClaimsText string `json:"claimsText"`

	// Key says who signs: issuer, attacker, client, other, none, or hmac-pem,
	// hmac-der, hmac-jwk, hmac-modulus, hmac-empty for HS256 with the issuer's
	// public RSA key as the secret. Default: the issuer, or the client of a proof.
	Key string `json:"key"`

	// Signature says how the signature is spoilt: see spoil.
	Signature string `json:"signature"`

	// Compact is the whole text. {h}, {p} and {s} are the segments, and {p-swapped}
	// is the payload with the subject root. Default: {h}.{p}.{s}
	Compact string `json:"compact"`
}

// maker makes tokens and proofs for one API.
type maker struct {
	issuer Authority
	keys   *keys
	opaque bool   // the API takes only opaque tokens
	alg    string // of a token whose recipe names none

	signatures []string // that were made since the caller emptied the list
}

// token makes an access token.
func (m *maker) token(r Recipe, v values) (string, error) {
	claims := defaults(map[string]string{
		"iss": "{issuer}", "sub": "alice", "client_id": "app", "aud": "{audience}",
		"iat": "$now", "exp": "$now+3600", "jti": rand.Text(),
	})
	if v["scope"] != "" {
		maps.Copy(claims, defaults(map[string]string{"scope": "{scope}"}))
	}
	switch {
	case r.Form == formOpaque:
		return m.opaqueToken(r, claims, v)
	case r.Form == "" && m.opaque && r.Compact == "":
		return m.opaqueToken(r.asOpaque(), claims, v)
	}
	r.Alg = orText(r.Alg, m.alg)
	alg := r.Alg
	kid, jwk, err := m.issuer.Key(alg)
	if err != nil {
		return "", err
	}
	v = v.with(values{"kid": kid, "issuer-jwk": string(jwk)})
	header := defaults(map[string]string{"typ": "at+jwt", "alg": alg, "kid": "{kid}"})
	return m.compact(r, header, claims, v)
}

// asOpaque returns a recipe for an API that takes only opaque tokens. The issuer
// calls a forged or expired token inactive.
func (r Recipe) asOpaque() Recipe {
	isForged := r.Key != "" && r.Key != "issuer" || r.Signature != ""
	if isForged || strings.HasPrefix(string(r.Claims["exp"]), `"$now-`) {
		r.ClaimsText = `{"active":false}`
	}
	return r
}

func (m *maker) opaqueToken(r Recipe, claims map[string]jsontext.Value, v values) (string, error) {
	maps.Copy(claims, map[string]jsontext.Value{"active": jsontext.Value("true"), "token_type": jsontext.Value(`"Bearer"`)})
	if cnf := string(r.Claims["cnf"]); strings.Contains(cnf, "jkt") {
		claims["token_type"] = jsontext.Value(`"DPoP"`)
	}
	answer, err := document(r.Claims, r.NoClaims, claims, r.ClaimsText, "claims", v)
	if err != nil {
		return "", err
	}
	return m.issuer.Opaque([]byte(answer)), nil
}

// proof makes a DPoP proof (RFC 9449, Section 4.2).
func (m *maker) proof(r Recipe, v values) (string, error) {
	r.Alg = orText(r.Alg, "ES256")
	alg := r.Alg
	r.Key = orText(r.Key, "client")
	jwk, err := m.keys.jwk(r.Key, alg)
	if err != nil {
		return "", err
	}
	header := defaults(map[string]string{"typ": "dpop+jwt", "alg": alg, "jwk": "$raw:" + jwk})
	claims := defaults(map[string]string{
		"jti": rand.Text(), "htm": "{method}", "htu": "{htu}", "iat": "$now", "ath": "{ath}",
	})
	if v["nonce"] != "" {
		maps.Copy(claims, defaults(map[string]string{"nonce": "{nonce}"}))
	}
	return m.compact(r, header, claims, v)
}

// compact makes a JWS in compact serialization, or what the recipe makes of it.
func (m *maker) compact(r Recipe, header, claims map[string]jsontext.Value, v values) (string, error) {
	attacker, err := m.keys.jwk("attacker", r.Alg)
	if err != nil {
		return "", err
	}
	v = v.with(values{"attacker-jwk": attacker})
	head, err := document(r.Header, r.NoHeader, header, r.HeaderText, "header", v)
	if err != nil {
		return "", err
	}
	payload, err := document(r.Claims, r.NoClaims, claims, r.ClaimsText, "claims", v)
	if err != nil {
		return "", err
	}
	signature, err := m.sign(r, head, payload)
	if err != nil {
		return "", err
	}
	if len(signature) >= 6 {
		m.signatures = append(m.signatures, signature)
	}
	return v.with(values{
		"h": encode([]byte(head)), "p": encode([]byte(payload)), "s": signature,
		"p-swapped": encode([]byte(strings.ReplaceAll(payload, `"alice"`, `"root"`))),
	}).expand(orText(r.Compact, "{h}.{p}.{s}"))
}

// document overlays members and renders them.
func document(over map[string]jsontext.Value, without []string, members map[string]jsontext.Value, text, name string, v values) (string, error) {
	members = maps.Clone(members)
	maps.Copy(members, over)
	for _, member := range without {
		delete(members, member)
	}
	object, err := v.object(members)
	if err != nil || text == "" {
		return object, err
	}
	return v.with(values{name: object, name + "-rest": object[1:], name + "-open": object[:len(object)-1]}).expand(text)
}

// sign returns the signature segment.
func (m *maker) sign(r Recipe, header, payload string) (string, error) {
	alg := r.Alg
	if form, ok := strings.CutPrefix(r.Key, "hmac-"); ok {
		secret, err := m.secret(form)
		if err != nil {
			return "", err
		}
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(encode([]byte(header)) + "." + encode([]byte(payload))))
		return encode(mac.Sum(nil)), nil
	}
	var token string
	switch r.Key {
	case "none":
		return "", nil
	case "", "issuer":
		token = m.issuer.Sign(alg, []byte(header), []byte(payload))
	default:
		private, err := m.keys.private(r.Key, alg)
		if err != nil {
			return "", err
		}
		if token, err = jose.Sign(private, jose.Algorithm(alg), []byte(header), []byte(payload)); err != nil {
			return "", err
		}
	}
	return spoil(r.Signature, alg, token[strings.LastIndexByte(token, '.')+1:])
}

// defaults returns members as JSON templates.
func defaults(texts map[string]string) map[string]jsontext.Value {
	members := map[string]jsontext.Value{}
	for name, text := range texts {
		members[name] = jsontext.Value(quote(text))
	}
	return members
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func orText(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// ath returns the hash of an access token for a proof (RFC 9449, Section 4.2).
func ath(token string) string {
	sum := sha256.Sum256([]byte(token))
	return encode(sum[:])
}

// unknownKey is the error for a key that no recipe may name.
func unknownKey(name string) error { return fmt.Errorf("unknown key %q", name) }

package bearertest

import (
	"encoding/base64"
	"strings"
	"time"
)

// HostileToken is a token that every API must refuse.
type HostileToken struct {
	Name  string // what is wrong with it
	Rule  string // the rule that the token breaks
	Token string

	// Status is the status of the answer: 401, or 431 for the token that is longer
	// than 16 KiB, the default of bearer.Config.MaxTokenBytes. An API with a
	// higher limit accepts that token.
	Status int

	// Expired marks the genuine token that has expired. Only its answer may say
	// what is wrong.
	Expired bool
}

// Hostile returns tokens that an API must refuse if it trusts the issuer by the
// profile of t.Shape, for the issuer's default audience. Each token is t, which the
// API accepts, with one thing wrong; and the other kinds of tokens that issuers of
// the shape sign.
func (i *Issuer) Hostile(t Token) []HostileToken {
	t.Algorithm = t.algorithm()
	h := hostile{issuer: i, good: t, form: forms[t.Shape], token: i.Mint(t)}
	h.algorithms()
	h.signatures()
	h.foreignKeys()
	h.headers()
	h.types()
	h.kinds()
	h.claims()
	h.documents()
	h.sizes()
	return h.list
}

type hostile struct {
	issuer *Issuer
	good   Token
	form   form // of the good token's shape
	token  string
	list   []HostileToken
}

func (h *hostile) add(name, rule, token string) {
	h.list = append(h.list, HostileToken{Name: name, Rule: rule, Token: token, Status: 401})
}

// with mints the good token with replaced members in header and claims.
func (h *hostile) with(header, claims map[string]any) string {
	t := h.good
	t.Header, t.Claims = merged(t.Header, header), merged(t.Claims, claims)
	return h.issuer.Mint(t)
}

func merged(a, b map[string]any) map[string]any {
	all := map[string]any{}
	for _, m := range []map[string]any{a, b} {
		for name, value := range m {
			all[name] = value
		}
	}
	return all
}

// signed signs a header and a payload unchanged. A nil header or payload stands
// for the good token's.
func (h *hostile) signed(header, payload []byte) string {
	goodHeader, goodPayload := h.parts()
	if header == nil {
		header = goodHeader
	}
	if payload == nil {
		payload = goodPayload
	}
	return h.issuer.Sign(h.good.Algorithm, header, payload)
}

// aged returns t with an iat of an hour ago. For a new token with an unknown kid
// the answer may be 503 for a few seconds, because the issuer may have published
// the key after the API fetched the keys (conformance C7a).
func aged(t Token) Token {
	t.Claims = merged(t.Claims, map[string]any{"iat": time.Now().Add(-time.Hour).Unix()})
	return t
}

// parts returns the header and the payload of the good token.
func (h *hostile) parts() (header, payload []byte) {
	segments := strings.Split(h.token, ".")
	header, _ = base64.RawURLEncoding.DecodeString(segments[0]) // our own encoding
	payload, _ = base64.RawURLEncoding.DecodeString(segments[1])
	return header, payload
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func cutToken(token string) (header, payload, signature string) {
	header, rest, _ := strings.Cut(token, ".")
	payload, signature, _ = strings.Cut(rest, ".")
	return header, payload, signature
}

// rawJSON is a JSON value that is encoded unchanged.
type rawJSON string

// MarshalJSON implements json.Marshaler.
func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }

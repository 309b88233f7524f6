package bearertest

import (
	"bytes"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// This file is long because it is one list: each method adds the tokens of one
// section of RFC 8725 and of the incidents that followed it.

// HostileToken is a token that every API must refuse: with 401 invalid_token,
// unless Status says otherwise.
type HostileToken struct {
	Name  string // what is wrong with it
	Rule  string // the rule that it breaks
	Token string

	// Status is that of the answer: 401, or 431 for the one that is longer than
	// 16 KiB, the default of bearer.Config.MaxTokenBytes. An API that accepts
	// longer ones accepts it.
	Status int

	// Expired is true of a genuine token that has expired, the only kind of
	// which the answer may say what is wrong.
	Expired bool
}

// Hostile returns tokens that an API which trusts the issuer for its default
// audience, by RFC 9068, must refuse, each of which is good but for one thing.
// t is the good token that they are made of.
func (i *Issuer) Hostile(t Token) []HostileToken {
	if t.Algorithm == "" {
		t.Algorithm = "ES256"
	}
	h := hostile{issuer: i, good: t, token: i.Mint(t)}
	h.algorithms()
	h.signatures()
	h.headers()
	h.types()
	h.claims()
	h.documents()
	h.sizes()
	return h.list
}

type hostile struct {
	issuer *Issuer
	good   Token
	token  string
	list   []HostileToken
}

func (h *hostile) add(name, rule, token string) {
	h.list = append(h.list, HostileToken{Name: name, Rule: rule, Token: token, Status: 401})
}

// with mints the good token with other members of header or claims.
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

// signed signs a payload as it is; header and payload of the good token stand
// in for nil.
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

// aged returns t with an iat of an hour ago. A new token with an unknown kid may
// be signed by a key that the issuer has published since the API fetched the
// keys, so for a few seconds the answer may be 503 (checklist C7a).
func aged(t Token) Token {
	t.Claims = merged(t.Claims, map[string]any{"iat": time.Now().Add(-time.Hour).Unix()})
	return t
}

// parts returns header and payload of the good token.
func (h *hostile) parts() (header, payload []byte) {
	segments := strings.Split(h.token, ".")
	header, _ = base64.RawURLEncoding.DecodeString(segments[0]) // our own encoding
	payload, _ = base64.RawURLEncoding.DecodeString(segments[1])
	return header, payload
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (h *hostile) algorithms() {
	_, payload := h.parts()
	_, _, signature := cutToken(h.token)
	for _, alg := range []string{"none", "None", "nOnE", "NONE"} {
		input := encode(fmt.Appendf(nil, `{"typ":"at+jwt","alg":%q}`, alg)) + "." + encode(payload)
		h.add("alg "+alg+", no signature", "RFC 9068, Section 2.1: never none", input+".")
		h.add("alg "+alg+", a signature", "RFC 9068, Section 2.1: never none", input+"."+signature)
	}
	h.add("no alg", "RFC 7515, Section 4.1.1: alg is required", h.with(map[string]any{"alg": nil}, nil))
	h.add("alg in lower case", "RFC 7515, Section 4.1.1: alg is case-sensitive",
		h.with(map[string]any{"alg": strings.ToLower(h.good.Algorithm)}, nil))

	// A secret that everybody has: the public key, in each form that it comes in.
	rsaKey, err := h.issuer.signer(jose.RS256)
	if err != nil {
		return
	}
	public := rsaKey.private.Public().(*rsa.PublicKey)
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		panic(fmt.Errorf("bearertest: %w", err))
	}
	secrets := []struct {
		form  string
		bytes []byte
	}{
		{"PEM", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})},
		{"DER", der},
		{"JWK", rsaKey.jwk},
		{"modulus", public.N.Bytes()},
		{"nothing", nil},
	}
	for _, secret := range secrets {
		for _, header := range []string{
			`{"typ":"at+jwt","alg":"HS256"}`, fmt.Sprintf(`{"typ":"at+jwt","alg":"HS256","kid":%q}`, rsaKey.id),
		} {
			input := encode([]byte(header)) + "." + encode(payload)
			mac := hmac.New(sha256.New, secret.bytes)
			mac.Write([]byte(input))
			h.add("HS256 by the public key as "+secret.form, "RFC 8725, Section 3.1: no algorithm but those listed",
				input+"."+encode(mac.Sum(nil)))
		}
	}
}

func cutToken(token string) (header, payload, signature string) {
	header, rest, _ := strings.Cut(token, ".")
	payload, signature, _ = strings.Cut(rest, ".")
	return header, payload, signature
}

func (h *hostile) signatures() {
	const rule = "RFC 9068, Section 4: the signature must hold"
	header, payload, signature := cutToken(h.token)
	raw, _ := base64.RawURLEncoding.DecodeString(signature) // our own encoding
	input := header + "." + payload + "."
	h.add("an empty signature", rule, input)
	h.add("no third segment", "RFC 7515, Section 7.1: three segments", header+"."+payload)
	h.add("a fourth segment", "RFC 7515, Section 7.1: three segments", h.token+"."+signature)
	h.add("five segments, as encrypted tokens have", "encrypted tokens are not supported", h.token+".."+signature)
	h.add("a signature of zeros", rule, input+encode(make([]byte, len(raw))))
	h.add("a signature with a bit flipped", rule, input+encode(append([]byte{raw[0] ^ 1}, raw[1:]...)))
	h.add("a signature that is too short", rule, input+encode(raw[:len(raw)-1]))
	h.add("a signature that is too long", rule, input+encode(append(slices.Clone(raw), 0)))
	h.add("trailing bits in the signature", "RFC 7515, Section 5.2: one encoding of one signature", input+withTrailingBits(signature))
	h.add("padding", "RFC 7515, Section 2: base64url without padding", h.token+"=")

	_, expired, _ := cutToken(h.with(nil, map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}))
	h.add("other claims under the same signature", rule, header+"."+expired+"."+signature)

	private, err := newPrivateKey(jose.Algorithm(h.good.Algorithm))
	if err != nil {
		panic(err)
	}
	good, _ := h.issuer.signer(jose.Algorithm(h.good.Algorithm))
	forger := &key{id: good.id, private: private}
	h.add("a foreign key under a known kid", rule, h.issuer.mint(forger, h.good))
	stale := h.good
	stale.TTL = -time.Hour
	h.add("forged and expired", "an unproven claim is never reported as a fact", h.issuer.mint(forger, stale))
	jwk, err := jose.MarshalKey(private.Public(), "", "")
	if err != nil {
		panic(err)
	}
	embedded := aged(h.good)
	embedded.Header = map[string]any{"jwk": rawJSON(jwk)}
	h.add("a foreign key, embedded", "RFC 8725, Section 3.10: a key in the token is never trusted", h.issuer.mint(forger, embedded))
	forger.id = "nobody"
	h.add("a foreign key, embedded, unknown kid", "RFC 8725, Section 3.10: a key in the token is never trusted", h.issuer.mint(forger, embedded))
	for _, parameter := range []string{"jku", "x5u"} {
		pointed := aged(h.good)
		pointed.Header = map[string]any{parameter: h.issuer.url + "/jwks"}
		h.add("a foreign key behind "+parameter, "RFC 8725, Section 3.10: no URL of a token is fetched", h.issuer.mint(forger, pointed))
	}
}

// withTrailingBits returns another base64url text of the same bytes, for a
// length that leaves some; otherwise one with a character more.
func withTrailingBits(s string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	if len(s)%4 == 0 {
		return s + "A"
	}
	last := strings.IndexByte(alphabet, s[len(s)-1])
	return s[:len(s)-1] + string(alphabet[last|1])
}

func (h *hostile) headers() {
	const crit = "RFC 7515, Section 4.1.11: an extension that is not understood"
	h.add("crit with an unknown name", crit, h.with(map[string]any{"crit": []string{"foo"}, "foo": 1}, nil))
	h.add("crit with an absent name", crit, h.with(map[string]any{"crit": []string{"foo"}}, nil))
	h.add("crit with a registered name", crit, h.with(map[string]any{"crit": []string{"alg"}}, nil))
	h.add("crit that is empty", crit, h.with(map[string]any{"crit": []string{}}, nil))
	h.add("b64 false", "RFC 7797, Section 6: not supported", h.with(map[string]any{"crit": []string{"b64"}, "b64": false}, nil))
	const kid = "RFC 8725, Section 3.10: kid is untrusted"
	for _, value := range []string{"nobody", "../../../../dev/null", "' OR 1=1 --", "\x00\r\n", strings.Repeat("k", 8<<10), ""} {
		h.add(fmt.Sprintf("kid %.16q", value), kid, h.with(map[string]any{"kid": value}, aged(h.good).Claims))
	}
	h.add("kid that is a number", kid, h.with(map[string]any{"kid": 1}, nil))
	h.add("kid that is null", kid, h.with(map[string]any{"kid": rawJSON("null")}, nil))
}

func (h *hostile) types() {
	const rule = "RFC 9068, Section 4: typ is at+jwt"
	for _, typ := range []string{
		"JWT", "", "at+jwt ", "x/at+jwt", "at", "logout+jwt", "dpop+jwt", "token-introspection+jwt", "secevent+jwt",
		"client-authentication+jwt", "oauth-authz-req+jwt",
	} {
		h.add(fmt.Sprintf("typ %q", typ), rule, h.with(map[string]any{"typ": typ}, nil))
	}
	h.add("no typ", rule, h.with(map[string]any{"typ": nil}, nil))
	h.add("typ that is null", rule, h.with(map[string]any{"typ": rawJSON("null")}, nil))
	h.add("an ID token", rule, h.with(map[string]any{"typ": "JWT"}, map[string]any{"nonce": "n", "at_hash": "h", "azp": "app"}))
}

func (h *hostile) claims() {
	url := h.issuer.url
	now := time.Now()
	add := func(rule, claim string, values ...any) {
		for _, value := range values {
			name := fmt.Sprintf("%s that is %.40q", claim, fmt.Sprint(value))
			if raw, ok := value.(rawJSON); ok {
				name = fmt.Sprintf("%s that is %.40s", claim, string(raw))
			}
			if value == nil {
				name = "no " + claim
			}
			h.add(name, rule, h.with(nil, map[string]any{claim: value}))
		}
	}
	add("RFC 9068, Section 4: iss is the issuer, exactly", "iss",
		nil, url+"/", strings.ToUpper(url), strings.TrimSuffix(url, "m")+"м", "https://evil.example.com", "",
		[]string{url}, rawJSON("null"), 1)
	add("RFC 9068, Section 4: aud holds the API", "aud",
		nil, "https://evil.example.com", "", []string{}, rawJSON("null"), 1, map[string]any{"a": 1},
		rawJSON(`["https://api.example.com",1]`), "https://api.example.com/", "https://api.example.co")
	add("RFC 7519, Section 4.1.4: exp lies ahead", "exp",
		nil, fmt.Sprint(now.Add(time.Hour).Unix()), -1, rawJSON("1e400"), rawJSON("1e300"),
		rawJSON("null"), true, []int64{now.Add(time.Hour).Unix()})
	h.add("expired", "RFC 9068, Section 4: now is before exp", h.with(nil, map[string]any{"exp": now.Add(-time.Hour).Unix()}))
	h.list[len(h.list)-1].Expired = true
	add("RFC 7519, Section 4.1.5: nbf lies behind", "nbf", now.Add(time.Hour).Unix(), "0", -1, []int{0})
	add("a token is not issued in the future", "iat", nil, now.Add(time.Hour).Unix(), "0", rawJSON("null"))
	for _, claim := range []string{"sub", "client_id", "jti"} {
		add("RFC 9068, Section 2.2: required", claim, nil, "", 1, rawJSON("null"), []string{"a"})
	}
	add("RFC 9449, Section 7.2: a bound token needs its proof", "cnf",
		map[string]string{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"},
		map[string]string{"x5t#S256": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"},
		map[string]string{"unknown": "x"}, map[string]string{}, map[string]string{"jkt": "short"},
		map[string]int{"jkt": 1}, "jkt", rawJSON("null"), rawJSON(`{"jkt":null}`), []string{})
}

func (h *hostile) documents() {
	header, payload := h.parts()
	inject := func(document []byte, members string) []byte {
		return slices.Concat([]byte("{"+members+","), document[1:])
	}
	const unique = "RFC 7515, Section 4; RFC 7519, Section 4: names are unique"
	h.add("alg twice", unique, h.signed(inject(header, `"alg":"none"`), nil))
	h.add("kid twice", unique, h.signed(inject(header, `"kid":"nobody"`), nil))
	for _, member := range []string{`"iss":"https://evil.example.com"`, `"aud":"https://evil.example.com"`, `"exp":99999999999`, `"sub":"root"`} {
		h.add(member+" and again", unique, h.signed(nil, inject(payload, member)))
	}
	h.add("a name twice, deeper", unique, h.signed(nil, inject(payload, `"x":{"a":1,"a":2}`)))
	const object = "RFC 7519, Section 7.2: one JSON object in UTF-8"
	h.add("data behind the payload", object, h.signed(nil, append(slices.Clone(payload), '1')))
	h.add("data behind the header", object, h.signed(append(slices.Clone(header), '1'), nil))
	h.add("a byte order mark", object, h.signed(nil, append([]byte("\xef\xbb\xbf"), payload...)))
	h.add("invalid UTF-8", object, h.signed(nil, inject(payload, "\"x\":\"\xff\"")))
	h.add("a lone surrogate", object, h.signed(nil, inject(payload, `"x":"\ud800"`)))
	for _, document := range []string{"", "null", "[]", `"x"`, "{", "{}"} {
		h.add(fmt.Sprintf("payload %q", document), object, h.signed(nil, []byte(document)))
		h.add(fmt.Sprintf("header %q", document), object, h.signed([]byte(document), nil))
	}
	h.add("names in another case", "RFC 7519, Section 4: names are case-sensitive",
		h.signed(nil, bytes.Replace(payload, []byte(`"exp"`), []byte(`"Exp"`), 1)))
}

func (h *hostile) sizes() {
	const depth = "nesting is bounded"
	header, payload := h.parts()
	deep := []byte(`{"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `,`)
	h.add("a deep payload", depth, h.signed(nil, slices.Concat(deep, payload[1:])))
	h.add("a deep header", depth, h.signed(slices.Concat(deep, header[1:]), nil))
	h.add("nothing but brackets", depth, encode([]byte(`{"a":`+strings.Repeat("[", 10_000)))+".e30.e30")
	h.add("8 KiB of dots", "dots are counted, not split on", strings.Repeat(".", 8<<10))
	h.add("over 16 KiB", "tokens are bounded", h.with(nil, map[string]any{"x": strings.Repeat("x", 16<<10)}))
	h.list[len(h.list)-1].Status = 431
	h.add("garbage", "not a JWT", "garbage")
	h.add("an opaque token", "not a JWT", "ory_at_3s2kV.x1")
}

// rawJSON is a JSON value as it is.
type rawJSON string

// MarshalJSON returns the value.
func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }

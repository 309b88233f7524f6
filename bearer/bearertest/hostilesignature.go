package bearertest

import (
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// ruleSignature is the rule of tokens whose signature is invalid.
const ruleSignature = "RFC 9068, Section 4: the signature must be valid"

func (h *hostile) signatures() {
	header, payload, signature := cutToken(h.token)
	raw, _ := base64.RawURLEncoding.DecodeString(signature) // our own encoding
	input := header + "." + payload + "."
	h.add("an empty signature", ruleSignature, input)
	h.add("no third segment", "RFC 7515, Section 7.1: three segments", header+"."+payload)
	h.add("a fourth segment", "RFC 7515, Section 7.1: three segments", h.token+"."+signature)
	h.add("five segments, as encrypted tokens have", "encrypted tokens are not supported", h.token+".."+signature)
	h.add("a signature of zeros", ruleSignature, input+encode(make([]byte, len(raw))))
	h.add("a signature with a bit flipped", ruleSignature, input+encode(append([]byte{raw[0] ^ 1}, raw[1:]...)))
	h.add("a signature that is too short", ruleSignature, input+encode(raw[:len(raw)-1]))
	h.add("a signature that is too long", ruleSignature, input+encode(append(slices.Clone(raw), 0)))
	h.add("trailing bits in the signature", "RFC 7515, Section 5.2: one encoding of one signature", input+withTrailingBits(signature))
	h.add("padding", "RFC 7515, Section 2: base64url without padding", h.token+"=")

	_, expired, _ := cutToken(h.with(nil, map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}))
	h.add("other claims under the same signature", ruleSignature, header+"."+expired+"."+signature)
}

// foreignKeys adds tokens that a key of an attacker signs.
func (h *hostile) foreignKeys() {
	const untrusted = "RFC 8725, Section 3.10: a key in the token is never trusted"
	private, err := newPrivateKey(jose.Algorithm(h.good.Algorithm))
	if err != nil {
		panic(err)
	}
	good, _ := h.issuer.signer(jose.Algorithm(h.good.Algorithm))
	forger := &key{id: good.id, private: private}
	h.add("a foreign key under a known kid", ruleSignature, h.issuer.mint(forger, h.good))
	stale := h.good
	stale.TTL = -time.Hour
	h.add("forged and expired", "an answer must not say that a forged token has expired", h.issuer.mint(forger, stale))
	jwk, err := jose.MarshalKey(private.Public(), "", "")
	if err != nil {
		panic(err)
	}
	embedded := aged(h.good)
	embedded.Header = map[string]any{"jwk": rawJSON(jwk)}
	h.add("a foreign key, embedded", untrusted, h.issuer.mint(forger, embedded))
	forger.id = "nobody"
	h.add("a foreign key, embedded, unknown kid", untrusted, h.issuer.mint(forger, embedded))
	for _, parameter := range []string{"jku", "x5u"} {
		pointed := aged(h.good)
		pointed.Header = map[string]any{parameter: h.issuer.url + "/jwks"}
		h.add("a foreign key behind "+parameter, "RFC 8725, Section 3.10: no URL in a token is fetched", h.issuer.mint(forger, pointed))
	}
}

// withTrailingBits returns a different base64url text of the same bytes, if their
// length leaves trailing bits. Otherwise it appends a character.
func withTrailingBits(s string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	if len(s)%4 == 0 {
		return s + "A"
	}
	last := strings.IndexByte(alphabet, s[len(s)-1])
	return s[:len(s)-1] + string(alphabet[last|1])
}

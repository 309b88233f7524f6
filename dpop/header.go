package dpop

import (
	"crypto/subtle"
	"fmt"
	"strings"
	"sync"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/jose"
)

// header is the parsed header of a proof: the key and the algorithm that must
// have signed the proof.
type header struct {
	segment string // the encoded header, as it was sent
	alg     jose.Algorithm
	key     *jose.Key
}

// readHeader checks the header of a proof. jkt is the thumbprint of the key
// that the token is bound to.
func (c *Checker) readHeader(jws jose.JWS, jkt string) (header, *bearer.Error) {
	h := jws.Header
	if jose.NormalizeType(h.Type) != "dpop+jwt" { // also without a typ
		return header{}, invalid("typ", `"dpop+jwt"`, quoted(h.Type))
	}
	alg := jose.Algorithm(h.Algorithm)
	if !c.accepts(alg) {
		return header{}, invalid("alg", fmt.Sprintf("one of %v", c.algorithms), quoted(h.Algorithm))
	}
	if h.JWK == nil {
		return header{}, invalid("jwk", "a public key", "none")
	}
	key, err := jose.ParseProofKey(h.JWK) // rejects private keys (RFC 9449, Section 4.3, check 7)
	if err != nil {
		return header{}, invalid("jwk", "a public key", err.Error())
	}
	if !key.Can(alg) {
		return header{}, invalid("jwk", "a key for "+h.Algorithm, "a key that cannot be used with it")
	}
	// Check this before the signature, so that an attacker cannot make the
	// server verify signatures by other keys.
	if subtle.ConstantTimeCompare([]byte(key.Thumbprint()), []byte(jkt)) != 1 {
		return header{}, bearer.Invalid("jkt", "a proof by the key that the token is bound to", "a proof by another key")
	}
	segment, _, _ := strings.Cut(jws.SigningInput, ".")
	return header{segment: segment, alg: alg, key: key}, nil
}

// headers caches the parsed header of valid proofs, one per key. All proofs of
// a client have the same header, so it need not be parsed for each request. The
// signature, which covers the header, is verified each time.
type headers struct {
	mu    sync.RWMutex
	byJKT map[string]header
}

const (
	maxHeaders      = 10_000
	maxHeaderLength = 2 << 10 // longer headers are not cached
)

// known returns the cached header of the key, if the proof has the same header.
func (h *headers) known(segment, jkt string) (header, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	found, ok := h.byJKT[jkt]
	return found, ok && found.segment == segment
}

// keep caches a header. Call it only after the signature was verified with a
// key that a valid token is bound to: clients without such a token cannot fill
// the cache.
func (h *headers) keep(parsed header, jkt string) {
	if len(parsed.segment) > maxHeaderLength {
		return
	}
	parsed.segment = strings.Clone(parsed.segment) // so as not to retain the whole proof
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.byJKT == nil {
		h.byJKT = map[string]header{}
	}
	if _, ok := h.byJKT[jkt]; !ok && len(h.byJKT) >= maxHeaders {
		for any := range h.byJKT { // evict an arbitrary header
			delete(h.byJKT, any)
			break
		}
	}
	h.byJKT[strings.Clone(jkt)] = parsed
}

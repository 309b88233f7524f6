package dpop

import (
	"crypto/subtle"
	"fmt"
	"strings"
	"sync"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/jose"
)

// header is what the header of a proof comes to: the key that has to have
// signed it, and how.
type header struct {
	segment string // as it was sent
	alg     jose.Algorithm
	key     *jose.Key
}

// readHeader judges the header of a proof that should be of the key of
// thumbprint jkt.
func (c *Checker) readHeader(jws jose.JWS, jkt string) (header, *bearer.Error) {
	h := jws.Header
	if !h.HasType || !isProofType(h.Type) {
		return header{}, invalid("typ", `"dpop+jwt"`, quoted(h.Type))
	}
	alg := jose.Algorithm(h.Algorithm)
	if !c.accepts(alg) {
		return header{}, invalid("alg", fmt.Sprintf("one of %v", c.algorithms), quoted(h.Algorithm))
	}
	if h.JWK == nil {
		return header{}, invalid("jwk", "a public key", "none")
	}
	key, err := jose.ParseProofKey(h.JWK) // RFC 9449, Section 4.3, check 7: none that is private
	if err != nil {
		return header{}, invalid("jwk", "a public key", err.Error())
	}
	if !key.Can(alg) {
		return header{}, invalid("jwk", "a key for "+h.Algorithm, "one that cannot be used with it")
	}
	// Before the signature, so that only the token's own key verifies any.
	if subtle.ConstantTimeCompare([]byte(key.Thumbprint()), []byte(jkt)) != 1 {
		return header{}, bearer.Invalid("jkt", "a proof of the key that the token is bound to", "one of another key")
	}
	segment, _, _ := strings.Cut(jws.SigningInput, ".")
	return header{segment: segment, alg: alg, key: key}, nil
}

// isProofType obeys RFC 7515, Section 4.1.9: media types are case-insensitive,
// and "application/" may be left out.
func isProofType(typ string) bool {
	const name, prefix = "dpop+jwt", "application/"
	if len(typ) == len(prefix)+len(name) && strings.EqualFold(typ[:len(prefix)], prefix) {
		typ = typ[len(prefix):]
	}
	return len(typ) == len(name) && strings.EqualFold(typ, name)
}

// headers are those that good proofs had, one for each key. The header of a
// client's proofs is the same in all of them, so it is read once and not for
// each request; the signature over it is verified each time.
type headers struct {
	mu    sync.RWMutex
	byJKT map[string]header
}

const (
	maxHeaders      = 10_000
	maxHeaderLength = 2 << 10 // a longer one is read each time
)

// known returns the header of a proof of the key, if it has been judged before.
func (h *headers) known(segment, jkt string) (header, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	found, ok := h.byJKT[jkt]
	return found, ok && found.segment == segment
}

// keep is called for headers of proofs whose signature holds, of a key that a
// good token is bound to.
func (h *headers) keep(judged header, jkt string) {
	if len(judged.segment) > maxHeaderLength {
		return
	}
	judged.segment = strings.Clone(judged.segment) // not all of the proof
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.byJKT == nil {
		h.byJKT = map[string]header{}
	}
	if _, ok := h.byJKT[jkt]; !ok && len(h.byJKT) >= maxHeaders {
		for any := range h.byJKT { // in no order
			delete(h.byJKT, any)
			break
		}
	}
	h.byJKT[strings.Clone(jkt)] = judged
}

package bearer

import (
	"context"
	"net/http"
	"reflect"
	"sync"
)

// ProofChecker checks DPoP proofs (RFC 9449) for a [Guard]. A dpop.Checker
// implements it. Its methods must be safe for concurrent use.
type ProofChecker interface {
	// CheckProof judges the proof of a request under the DPoP scheme. The token
	// is good and belongs to p; it is bound to the key with the thumbprint
	// p.Confirmation.JKT (RFC 7638, base64url). A nil error means that this key
	// signed the proof for this request and this token. CheckProof does not mark
	// the proof as used: the guard calls [Proof.Use] once the request has passed
	// every other check.
	//
	// The error is an [Error] of [CodeInvalidDPoPProof] or [CodeUseDPoPNonce], of
	// [CodeInvalidToken] if another key signed the proof, of [CodeCanceled] if
	// the client disconnected, or of [CodeUnavailable]. Any other error means
	// "cannot tell", like [CodeUnavailable].
	CheckProof(r *http.Request, token string, p Principal) (Proof, error)

	// Algorithms returns the signature algorithms that proofs may use.
	// Challenges name them (RFC 9449, Section 7.1).
	Algorithms() []string

	// Nonce returns a nonce to send with a response (RFC 9449, Section 8), or
	// the empty string if the checker uses no nonces.
	Nonce() string
}

// Proof is the valid proof of one request.
type Proof interface {
	// Use marks the proof as used. It returns nil only if the proof was never
	// used before: among all calls for one proof, by any request, at most one
	// succeeds. The errors are those of [ProofChecker]. ctx is the request's
	// context.
	Use(ctx context.Context) error
}

// sameChecker reports whether a and b are the same checker, which accepts each
// proof once.
func sameChecker(a, b ProofChecker) bool {
	return a != nil && b != nil && reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

// heldProof is a valid proof of a request, which may have been used.
type heldProof struct {
	checker            ProofChecker
	token, jkt         string
	line               string // the DPoP field line
	method, requestURI string

	mu    sync.Mutex
	proof Proof
	used  bool
}

// proofFor returns the proof that the checker of g found valid for this request,
// token and key, or nil. A proof is bound to the method and the URL (RFC 9449,
// Section 4.2), so it does not count once middleware has changed the method or
// the request line. Routing may change the parsed URL, as http.StripPrefix does,
// but leaves the request line unchanged.
func (c *principalContext) proofFor(r *http.Request, g *Guard, token, jkt string) *heldProof {
	for ; c != nil; c = c.judged.outer {
		h := c.judged.proof
		if h == nil || h.token != token || h.jkt != jkt || h.method != r.Method || h.requestURI != requestURI(r) {
			continue
		}
		if lines := r.Header["Dpop"]; len(lines) == 1 && lines[0] == h.line && sameChecker(h.checker, g.proofs) {
			return h
		}
	}
	return nil
}

// hold stores a valid proof for inner routes.
func (g *Guard) hold(r *http.Request, token, jkt string, proof Proof) *heldProof {
	h := &heldProof{checker: g.proofs, token: token, jkt: jkt, method: r.Method, requestURI: requestURI(r), proof: proof}
	if lines := r.Header["Dpop"]; len(lines) == 1 {
		h.line = lines[0]
	}
	return h
}

// use marks the proof as used, once for all routes that the request passes.
// Several routes may judge one request at the same time.
func (h *heldProof) use(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.used {
		return nil
	}
	if err := h.proof.Use(ctx); err != nil {
		return err
	}
	h.used = true
	return nil
}

// requestURI returns the target of the request line. A request that the program
// itself created has none, so its URL stands in.
func requestURI(r *http.Request) string {
	if r.RequestURI != "" {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

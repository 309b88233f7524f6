package bearer

import (
	"context"
	"net/http"
	"reflect"
	"sync"
)

// ProofChecker checks proofs of possession (RFC 9449) for a [Guard]: a
// dpop.Checker is one. Its methods must be safe for concurrent use.
type ProofChecker interface {
	// CheckProof judges the proof of a request that carries token under the
	// DPoP scheme, where token is good and p is what it says: it is bound to
	// the key of thumbprint p.Confirmation.JKT (RFC 7638, base64url). A nil
	// error means that the proof is valid, of that key, and for this request
	// and this token. CheckProof does not use the proof up: the guard calls
	// [Proof.Use] when everything else about the request has passed.
	//
	// Its error is an [Error] of [CodeInvalidDPoPProof], of [CodeUseDPoPNonce],
	// of [CodeInvalidToken] if the proof is of another key, of [CodeCanceled] if
	// the client has gone, or of [CodeUnavailable]; any other means that nobody
	// can tell.
	CheckProof(r *http.Request, token string, p Principal) (Proof, error)

	// Algorithms are those that proofs may be signed with, for challenges (RFC
	// 9449, Section 7.1).
	Algorithms() []string

	// Nonce returns the nonce that a response gives to the client (RFC 9449,
	// Section 8), or the empty string where none are used.
	Nonce() string
}

// Proof is a valid proof that one request carries.
type Proof interface {
	// Use uses the proof up. It returns nil only if the proof was never used
	// before, so of any number of calls for one proof, by any requests, at most
	// one succeeds. Errors are as for [ProofChecker].
	//
	// ctx is the request's.
	Use(ctx context.Context) error
}

// sameChecker reports whether a and b are one checker, whose proofs are good
// once among them.
func sameChecker(a, b ProofChecker) bool {
	return a != nil && b != nil && reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

// heldProof is a proof that was found valid for a request, and maybe used.
type heldProof struct {
	checker            ProofChecker
	token, jkt         string
	line               string // the DPoP field
	method, requestURI string

	mu    sync.Mutex
	proof Proof
	used  bool
}

// proofFor returns the proof of the request if the checker of g found it valid
// for this very request, token and key, or nil. It is bound to the method and
// the URL (RFC 9449, Section 4.2), so it is not that of a request whose method
// or request line middleware has changed. Routing changes the parsed URL, as
// http.StripPrefix does, and leaves the request line.
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

// hold keeps a valid proof for the routes inside.
func (g *Guard) hold(r *http.Request, token, jkt string, proof Proof) *heldProof {
	h := &heldProof{checker: g.proofs, token: token, jkt: jkt, method: r.Method, requestURI: requestURI(r), proof: proof}
	if lines := r.Header["Dpop"]; len(lines) == 1 {
		h.line = lines[0]
	}
	return h
}

// use uses the proof up, once for all routes that the request passes. A request
// may be judged by several of them at the same time.
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

// requestURI returns the request line's target, or that of a request which was
// made within the program.
func requestURI(r *http.Request) string {
	if r.RequestURI != "" || r.URL == nil {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

package bearer

import (
	"context"
	"net/http"
	"reflect"
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

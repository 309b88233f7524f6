package bearer

import "net/http"

// ProofChecker checks proofs of possession (RFC 9449) for a [Guard]: a
// dpop.Checker is one. Its methods must be safe for concurrent use.
type ProofChecker interface {
	// CheckProof judges the proof of a request that carries token under the
	// DPoP scheme, where token is good and bound to the key of thumbprint jkt
	// (RFC 7638, base64url). It returns nil only if the proof is valid, of that
	// key, for this request and this token, and was never used before.
	//
	// Its error is an [Error] of [CodeInvalidDPoPProof], of [CodeUseDPoPNonce],
	// of [CodeInvalidToken] if the proof is of another key, of [CodeCanceled] if
	// the client has gone, or of [CodeUnavailable]; any other means that nobody
	// can tell.
	CheckProof(r *http.Request, token, jkt string) error

	// Algorithms are those that proofs may be signed with, for challenges (RFC
	// 9449, Section 7.1).
	Algorithms() []string

	// Nonce returns the nonce that a response gives to the client (RFC 9449,
	// Section 8), or the empty string where none are used.
	Nonce() string
}

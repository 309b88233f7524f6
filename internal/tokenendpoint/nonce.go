package tokenendpoint

import "net/http"

// maxNonce bounds a nonce, which each proof carries back, in bytes.
const maxNonce = 1024

// Nonce returns the DPoP nonce of an answer. It returns "" if there is none, more than
// one, or one with other characters than RFC 9449, Section 8.1 allows: a proof could
// not carry that back, and no later request would succeed.
func Nonce(h http.Header) string {
	values := h["Dpop-Nonce"]
	if len(values) != 1 || len(values[0]) > maxNonce {
		return ""
	}
	for _, c := range []byte(values[0]) {
		if c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return ""
		}
	}
	return values[0]
}

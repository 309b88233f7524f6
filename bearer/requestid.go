package bearer

import (
	"math/rand/v2"
	"net/http"
	"strings"
)

const (
	requestIDChars  = alphanumeric + "-._~:/+=@"
	randomIDLen     = 32
	maxRequestIDLen = 128
)

// appendRequestID appends an ID that needs no escaping in JSON or in a log.
func (g *Guard) appendRequestID(b []byte, r *http.Request) []byte {
	if g.requestIDFunc != nil {
		if id := g.requestIDFunc(r); id != "" && len(id) <= maxRequestIDLen && strings.Trim(id, requestIDChars) == "" {
			return append(b, id...)
		}
	}
	// The ID names a request and protects nothing, so it may be predictable.
	const digits = "0123456789abcdef"
	for range randomIDLen / 16 {
		for bits, n := rand.Uint64(), 0; n < 16; n++ {
			b = append(b, digits[bits&15])
			bits >>= 4
		}
	}
	return b
}

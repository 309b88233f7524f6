package bearer

import (
	"math/rand/v2"
	"net/http"
	"strings"
)

const (
	requestIDChars = alphanumeric + "-._~:/+=@"
	requestIDLen   = 32 // of a random one
)

// appendRequestID appends an id that needs no escaping anywhere.
func (g *Guard) appendRequestID(b []byte, r *http.Request) []byte {
	if g.requestIDFunc != nil {
		if id := g.requestIDFunc(r); id != "" && len(id) <= 128 && strings.Trim(id, requestIDChars) == "" {
			return append(b, id...)
		}
	}
	// It names a request and guards nothing, so it need not be unpredictable.
	const digits = "0123456789abcdef"
	for range requestIDLen / 16 {
		for bits, n := rand.Uint64(), 0; n < 16; n++ {
			b = append(b, digits[bits&15])
			bits >>= 4
		}
	}
	return b
}

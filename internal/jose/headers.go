package jose

import (
	"strings"

	"github.com/bearerkit/bearerkit/internal/known"
)

// Headers remembers parsed headers by their encoded form. An issuer's tokens
// have few different headers, so most need no parsing. Call [Headers.Keep] only
// for a token whose signature was verified: then only someone who can sign tokens
// can fill the table, and the worst effect is that other headers are evicted.
//
// The zero Headers is empty and ready to use. It is bounded, safe for
// concurrent use, and never locks. A nil *Headers knows no header.
type Headers struct{ table known.Table[Header] }

func (h *Headers) find(segment string) (Header, bool) {
	if h == nil {
		return Header{}, false
	}
	if header := h.table.Find(segment); header != nil {
		return *header, true
	}
	return Header{}, false
}

// Keep remembers the header of a token whose signature was verified.
func (h *Headers) Keep(jws *JWS) {
	if jws.known {
		return
	}
	segment, _, _ := strings.Cut(jws.SigningInput, ".")
	header := jws.Header
	header.JWK = nil // refers to the buffer
	h.table.Keep(segment, header)
}

package jose

import (
	"strings"

	"github.com/bearerkit/bearerkit/internal/known"
)

// Headers remembers headers by their encoded form: an issuer's tokens share a
// handful, which need not be read for each of them. Nobody who cannot sign can
// fill it, since callers [Headers.Keep] the header of a token only once its
// signature has held; and whoever can makes others' headers be read again, no
// more.
//
// The zero Headers is empty and ready to use. It is bounded, safe for
// concurrent use, and never locks. A nil *Headers knows none.
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

// Keep remembers the header of a token whose signature holds.
func (h *Headers) Keep(jws *JWS) {
	if jws.known {
		return
	}
	segment, _, _ := strings.Cut(jws.SigningInput, ".")
	header := jws.Header
	header.JWK = nil // it is the buffer's
	h.table.Keep(segment, header)
}

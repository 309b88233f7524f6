package jose

import (
	"hash/maphash"
	"math/rand/v2"
	"strings"
	"sync/atomic"
)

// Headers remembers headers by their encoded form: an issuer's tokens share a
// handful, which need not be read for each of them. It is bounded: at most 128
// headers of at most 1 KiB, of which new ones replace others at random. Nobody
// who cannot sign can fill it, since callers [Headers.Keep] the header of a
// token only once its signature has held; and whoever can makes others' headers
// be read again, no more.
//
// The zero Headers is empty and ready to use. It is safe for concurrent use,
// and never locks. A nil *Headers knows none.
type Headers struct {
	sets [headerSets][headerWays]atomic.Pointer[knownHeader]
}

const (
	headerSets      = 32
	headerWays      = 4 // places for headers whose hashes lead to one set
	maxHeaderLength = 1 << 10
)

type knownHeader struct {
	segment string
	header  Header
}

// headerSeed makes hashes that nobody outside can aim at each other.
var headerSeed = maphash.MakeSeed()

func (h *Headers) set(segment string) *[headerWays]atomic.Pointer[knownHeader] {
	return &h.sets[maphash.String(headerSeed, segment)%headerSets]
}

func (h *Headers) find(segment string) (Header, bool) {
	if h == nil || len(segment) > maxHeaderLength {
		return Header{}, false
	}
	set := h.set(segment)
	for i := range set {
		if known := set[i].Load(); known != nil && known.segment == segment {
			return known.header, true
		}
	}
	return Header{}, false
}

// Keep remembers the header of a token whose signature holds.
func (h *Headers) Keep(jws *JWS) {
	if jws.known {
		return
	}
	segment, _, _ := strings.Cut(jws.SigningInput, ".")
	if len(segment) > maxHeaderLength {
		return
	}
	if _, ok := h.find(segment); ok { // by now
		return
	}
	known := &knownHeader{segment: strings.Clone(segment), header: jws.Header}
	known.header.JWK = nil // it is the buffer's
	set := h.set(segment)
	for i := range set {
		if set[i].CompareAndSwap(nil, known) {
			return
		}
	}
	set[rand.IntN(headerWays)].Store(known)
}

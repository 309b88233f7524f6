package bearer

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// minPart is the shortest piece of a token that is cut out of texts. A shorter
// one may be a common word, and tells next to nothing.
const minPart = 12

// scrub cuts the token and its parts out of s: all of it, and each word of s
// that stands in the token, such as its payload, its signature or a beginning.
// It stops where more than most bytes are clean, since each word costs a search
// in the token, and whoever sends both chooses how many there are.
func scrub(s, token string, most int) string {
	if token == "" {
		return s
	}
	const mark = "[token]"
	if len(token) >= minPart {
		s = strings.ReplaceAll(s, token, mark)
	}
	// A shorter one is cut out as a word only: a token of one letter must not
	// rewrite the record.
	bare := strings.TrimRight(token, "=")
	for _, separators := range []string{"", "."} { // with dots, then between them
		isPart := func(c byte) bool { return isToken68Char[c] && strings.IndexByte(separators, c) < 0 }
		var clean strings.Builder // s up to from, scrubbed
		from := 0
		for i := 0; i < len(s); i++ {
			start := i
			for i < len(s) && isPart(s[i]) {
				i++
			}
			word := s[start:i]
			if word != "" && word == bare || len(word) >= minPart && strings.Contains(token, word) {
				clean.WriteString(s[from:start] + mark)
				from = i
			}
			if clean.Len()+i-from > most {
				s = s[:i]
			}
		}
		s = clean.String() + s[from:]
	}
	return s
}

// shortHash returns the first 8 bytes of the token's SHA-256 in hexadecimal. The
// token is hashed in pieces, since []byte(token) would be a copy.
func shortHash(token string) string {
	h := sha256.New()
	var piece [512]byte
	for len(token) > 0 {
		n := copy(piece[:], token)
		h.Write(piece[:n])
		token = token[n:]
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

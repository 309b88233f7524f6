package bearer

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// minPart is the length of the shortest part of a token that scrub removes. A
// shorter part may be a common word, and reveals next to nothing.
const minPart = 12

// scrub replaces the token and its parts in s: the whole token, and each word of
// s that occurs in the token, such as its payload, its signature or a prefix.
// It stops once the clean text has more than most bytes, because each word costs a
// search in the token and an attacker can choose the number of words.
func scrub(s, token string, most int) string {
	if token == "" {
		return s
	}
	const mark = "[token]"
	if len(token) >= minPart {
		s = strings.ReplaceAll(s, token, mark)
	}
	// A shorter token is removed only as a word: a token of one letter must not
	// garble the record.
	bare := strings.TrimRight(token, "=")
	for _, separators := range []string{"", "."} { // words with dots, then words between dots
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

// shortHash returns the first 8 bytes of the token's SHA-256 in hexadecimal. It
// hashes the token in pieces, because []byte(token) would copy it.
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

package strictjson

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// isPlain tells the bytes of strings that stand for themselves and are ASCII.
var isPlain = func() (plain [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		plain[c] = c != '"' && c != '\\'
	}
	return plain
}()

// text skips a string, whose first quote is there, and reports whether it has
// escapes.
func (s *scanner) text() (escaped bool, err error) {
	if end := s.at + 1 + plainLen(s.data[s.at+1:]); end < len(s.data) && s.data[end] == '"' {
		s.at = end + 1
		return false, nil
	}
	end, escaped, ok := skipText(s.data, s.at)
	s.at = end
	if !ok {
		return false, s.invalid()
	}
	return escaped, nil
}

// skipText returns where the string ends that begins at a byte of data, or
// where it breaks off.
func skipText(data []byte, at int) (end int, escaped, ok bool) {
	for i := at + 1; ; {
		i += plainLen(data[i:])
		if i >= len(data) {
			return len(data), escaped, false
		}
		switch c := data[i]; {
		case c == '"':
			return i + 1, escaped, true
		case c == '\\':
			n := escapeLen(data[i:])
			if n == 0 {
				return i, escaped, false
			}
			escaped = true
			i += n
		case c < utf8.RuneSelf: // a control character
			return i, escaped, false
		default:
			r, n := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && n == 1 {
				return i, escaped, false
			}
			i += n
		}
	}
}

// plainLen returns how many bytes data begins with that are plain.
func plainLen(data []byte) (n int) {
	for n+8 <= len(data) {
		if special := specials(binary.LittleEndian.Uint64(data[n:])); special != 0 {
			return n + bits.TrailingZeros64(special)/8
		}
		n += 8
	}
	for n < len(data) && isPlain[data[n]] {
		n++
	}
	return n
}

// specials returns eight bytes with the top bit set of those that are not
// plain; behind the first of them it may be set of a plain one too, which a
// special one has borrowed from.
func specials(eight uint64) uint64 {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	quote, backslash := eight^ones*'"', eight^ones*'\\'
	return (eight | (eight - ones*' ') | (quote - ones) | (backslash - ones)) & tops
}

// escapeLen returns the length of the escape at the beginning of b, 0 if it is
// none. Half of a surrogate pair is none: it is no character.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
	default:
		return 0
	}
	const (
		high, low = 0xd800, 0xdc00 // the first of each half
		mask      = 0xfc00
	)
	switch unit, ok := hex4(b[2:]); {
	case !ok || unit&mask == low:
		return 0
	case unit&mask != high:
		return 6
	}
	if len(b) < 12 || b[6] != '\\' || b[7] != 'u' {
		return 0
	}
	if unit, ok := hex4(b[8:]); !ok || unit&mask != low {
		return 0
	}
	return 12
}

// hex4 reads four hexadecimal digits.
func hex4(b []byte) (unit uint32, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		unit = unit<<4 | uint32(c)
	}
	return unit, true
}

// unescape appends the text of a string that was read, quotes and escapes
// taken away.
func unescape(dst, quoted []byte) ([]byte, error) {
	dst, err := jsontext.AppendUnquote(dst, quoted)
	if err != nil {
		return nil, errText
	}
	return dst, nil
}

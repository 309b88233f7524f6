package strictjson

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// isPlain reports the ASCII bytes that stand for themselves in a JSON string.
var isPlain = func() (plain [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		plain[c] = c != '"' && c != '\\'
	}
	return plain
}()

// text skips a string, which begins at the current byte, and reports whether it
// has escapes.
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

// skipText returns the end of the string that begins at data[at]. If the string
// is invalid, ok is false and end is the index of the first bad byte.
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

// plainLen returns the number of plain bytes at the beginning of data.
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

// specials sets the top bit of every byte of eight that is not plain. It is
// exact up to the first such byte. After it, a plain byte may be marked too,
// because the subtractions borrow from the next byte.
func specials(eight uint64) uint64 {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	quote, backslash := eight^ones*'"', eight^ones*'\\'
	return (eight | (eight - ones*' ') | (quote - ones) | (backslash - ones)) & tops
}

// escapeLen returns the length of the escape at the beginning of b, or 0 if it
// is invalid. A lone half of a surrogate pair is invalid: it is not a
// character.
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
		high, low = 0xd800, 0xdc00 // the first high and the first low surrogate
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

// hex4 parses four hexadecimal digits.
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

// unescape decodes a quoted string that was scanned before, and appends it to
// dst.
func unescape(dst, quoted []byte) ([]byte, error) {
	dst, err := jsontext.AppendUnquote(dst, quoted)
	if err != nil {
		return nil, errText
	}
	return dst, nil
}

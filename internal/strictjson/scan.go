package strictjson

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// scanner reads a document in one strict pass. It takes exactly what jsontext
// takes by its defaults and is nested at most [MaxDepth] deep, at a fraction of
// the cost; a fuzz target holds the two against each other.
type scanner struct {
	data  []byte
	at    int // of the next byte
	depth int

	// names are those of the objects that are open, the outermost first.
	names [][]byte
	// tables are of the objects that are open and have many names; nil as long
	// as none has had.
	tables *[MaxDepth]table
}

const (
	// fewNames is how many names of an object are compared one by one.
	fewNames = 16
	// What a scanner may keep from one document to the next.
	maxNames = 1 << 11
	maxTable = 1 << 12
)

var scanners = sync.Pool{New: func() any { return new(scanner) }}

func newScanner(data []byte) *scanner {
	s := scanners.Get().(*scanner)
	s.data = data
	return s
}

// release gives s to the next document. The pool must not keep a request's
// bytes alive: what is beyond the length of names is clear already.
func (s *scanner) release() {
	clear(s.names)
	s.names = s.names[:0]
	if cap(s.names) > maxNames {
		s.names = nil
	}
	if s.tables != nil {
		for i := range s.tables {
			if cap(s.tables[i]) > maxTable {
				s.tables[i] = nil
			}
		}
	}
	s.data, s.at, s.depth = nil, 0, 0
	scanners.Put(s)
}

// space skips white space and returns the byte behind it, 0 at the end: no
// value begins with that, and none ends with it.
func (s *scanner) space() byte {
	for s.at < len(s.data) {
		c := s.data[s.at]
		if c > ' ' || c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
		s.at++
	}
	return 0
}

func (s *scanner) invalid() error { return fmt.Errorf("invalid JSON at byte %d", s.at) }

// enter goes one level deeper, past a bracket.
func (s *scanner) enter() error {
	if s.depth == MaxDepth {
		return ErrTooDeep
	}
	s.depth++
	s.at++
	return nil
}

func (s *scanner) leave() {
	s.depth--
	s.at++
}

// value skips the value that begins with c.
func (s *scanner) value(c byte) error {
	switch {
	case c == '"':
		_, err := s.text()
		return err
	case c == '{':
		return s.object(nil)
	case c == '[':
		return s.array(nil)
	case c == '-' || '0' <= c && c <= '9':
		return s.number()
	case c == 't':
		return s.literal("true")
	case c == 'f':
		return s.literal("false")
	case c == 'n':
		return s.literal("null")
	}
	return s.invalid()
}

// object reads an object, and calls member, unless it is nil, for each of its
// members.
func (s *scanner) object(member func(name []byte, at int, value Value) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	first, seen := len(s.names), uint64(0)
	if s.space() == '}' {
		s.leave()
		return nil
	}
	for {
		name, err := s.name()
		if err != nil {
			return err
		}
		// One bit of a word each: most names are told apart by it.
		bit := uint64(1) << ((uint(len(name))*7 + edges(name)) % 64)
		if !s.note(name, first, seen&bit != 0) {
			return errDuplicate
		}
		seen |= bit
		if s.space() != ':' {
			return s.invalid()
		}
		s.at++
		c := s.space()
		start := s.at
		if err := s.value(c); err != nil {
			return err
		}
		if member != nil {
			if err := member(name, start, s.data[start:s.at:s.at]); err != nil {
				return err
			}
		}
		switch s.space() {
		case ',':
			s.at++
		case '}':
			clear(s.names[first:])
			s.names = s.names[:first]
			s.leave()
			return nil
		default:
			return s.invalid()
		}
	}
}

func edges(name []byte) uint {
	if len(name) == 0 {
		return 0
	}
	return uint(name[0]) + uint(name[len(name)-1])<<2
}

// name reads a name, and returns it without escapes.
func (s *scanner) name() ([]byte, error) {
	if s.space() != '"' {
		return nil, s.invalid()
	}
	start := s.at
	escaped, err := s.text()
	if err != nil {
		return nil, err
	}
	if escaped {
		return unescape(nil, s.data[start:s.at])
	}
	return s.data[start+1 : s.at-1 : s.at-1], nil
}

// note notes a name of the object whose names begin at first, and reports
// whether it is its only one. It may be a second one only if it is like others.
func (s *scanner) note(name []byte, first int, like bool) bool {
	own := s.names[first:]
	s.names = append(s.names, name)
	if len(own) < fewNames {
		if like {
			for _, other := range own {
				if string(other) == string(name) {
					return false
				}
			}
		}
		return true
	}
	if s.tables == nil {
		s.tables = new([MaxDepth]table)
	}
	t := &s.tables[s.depth-1]
	if len(own) == fewNames {
		*t = t.make(own, 4*fewNames)
	} else if 2*len(own) > len(*t) {
		*t = t.make(own, 2*len(*t))
	}
	return t.add(s.names[first:], len(own))
}

// table finds names by their hash: it holds their indexes plus one, and 0 where
// there is none.
type table []int32

// seed makes hashes that nobody outside can aim at each other.
var seed = maphash.MakeSeed()

// make returns a table of a power of two of places for names that differ.
func (t table) make(names [][]byte, places int) table {
	if cap(t) < places {
		t = make(table, places)
	}
	t = t[:places]
	clear(t)
	for i := range names {
		t.add(names, i)
	}
	return t
}

// add adds names[i], and reports whether it was not there.
func (t table) add(names [][]byte, i int) bool {
	mask := uint64(len(t) - 1)
	for place := maphash.Bytes(seed, names[i]) & mask; ; place = (place + 1) & mask {
		if t[place] == 0 {
			t[place] = int32(i) + 1
			return true
		}
		if bytes.Equal(names[t[place]-1], names[i]) {
			return false
		}
	}
}

// array reads an array, and calls element, unless it is nil, for each of its
// elements.
func (s *scanner) array(element func(at int, value Value) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	c := s.space()
	if c == ']' {
		s.leave()
		return nil
	}
	for {
		start := s.at
		if err := s.value(c); err != nil {
			return err
		}
		if element != nil {
			if err := element(start, s.data[start:s.at:s.at]); err != nil {
				return err
			}
		}
		switch s.space() {
		case ',':
			s.at++
			c = s.space()
		case ']':
			s.leave()
			return nil
		default:
			return s.invalid()
		}
	}
}

// end makes sure that nothing but white space is left.
func (s *scanner) end() bool {
	s.space()
	return s.at == len(s.data)
}

func (s *scanner) literal(word string) error {
	if rest := s.data[s.at:]; len(rest) < len(word) || string(rest[:len(word)]) != word {
		return s.invalid()
	}
	s.at += len(word)
	return nil
}

// number skips a number (RFC 8259, Section 6).
func (s *scanner) number() error {
	if s.data[s.at] == '-' {
		s.at++
	}
	if s.at < len(s.data) && s.data[s.at] == '0' {
		s.at++
	} else if !s.digits() {
		return s.invalid()
	}
	if s.at < len(s.data) && s.data[s.at] == '.' {
		s.at++
		if !s.digits() {
			return s.invalid()
		}
	}
	if s.at < len(s.data) && s.data[s.at]|0x20 == 'e' {
		s.at++
		if s.at < len(s.data) && (s.data[s.at] == '+' || s.data[s.at] == '-') {
			s.at++
		}
		if !s.digits() {
			return s.invalid()
		}
	}
	return nil
}

// digits skips digits, and reports whether there was one.
func (s *scanner) digits() bool {
	start := s.at
	for s.at < len(s.data) && '0' <= s.data[s.at] && s.data[s.at] <= '9' {
		s.at++
	}
	return s.at > start
}

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
		for i+8 <= len(data) && allPlain(binary.LittleEndian.Uint64(data[i:])) {
			i += 8
		}
		for i < len(data) && isPlain[data[i]] {
			i++
		}
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

// allPlain reports whether each of eight bytes is one of isPlain. It may say no
// where all are, never yes where one is not: a byte that borrows from the next
// is itself none.
func allPlain(eight uint64) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	quote, backslash := eight^ones*'"', eight^ones*'\\'
	return (eight|(eight-ones*' ')|(quote-ones)|(backslash-ones))&tops == 0
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

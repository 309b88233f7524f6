package strictjson

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"sync"
)

// This file is long because the scanner is one state machine, whose functions
// share the position in the document.

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
		if seen&bit == 0 && len(s.names)-first < fewNames {
			s.names = append(s.names, name)
		} else if !s.note(name, first) {
			return errDuplicate
		}
		seen |= bit
		if s.space() != ':' {
			return s.invalid()
		}
		s.at++
		c := s.space()
		start := s.at
		if c == '"' {
			_, err = s.text()
		} else {
			err = s.value(c)
		}
		if err != nil {
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
// whether it is its only one.
func (s *scanner) note(name []byte, first int) bool {
	own := s.names[first:]
	s.names = append(s.names, name)
	if len(own) < fewNames {
		for _, other := range own {
			if string(other) == string(name) {
				return false
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

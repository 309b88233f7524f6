package strictjson

import (
	"fmt"
	"sync"
)

// scanner reads a document in one strict pass. It accepts exactly the documents
// that jsontext accepts by default and that are nested at most [MaxDepth] deep,
// at a fraction of the cost. FuzzScanner compares it with jsontext.
type scanner struct {
	data  []byte
	at    int // index of the next byte
	depth int

	// names has the member names of all open objects, outermost object first.
	names [][]byte
	// tables has the name tables of open objects with many names, by depth. It
	// is nil until the first such object.
	tables *[MaxDepth]table
}

var scanners = sync.Pool{New: func() any { return new(scanner) }}

func newScanner(data []byte) *scanner {
	s := scanners.Get().(*scanner)
	s.data = data
	return s
}

// release returns s to the pool. It clears names, because the pool must not
// keep a request's bytes alive. Elements beyond the length of names are already
// clear.
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

// space skips white space and returns the next byte, or 0 at the end of the
// data. A zero byte is never valid where space is called, so 0 is not
// ambiguous.
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

// enter skips an opening bracket and goes one level deeper.
func (s *scanner) enter() error {
	if s.depth == MaxDepth {
		return ErrTooDeep
	}
	s.depth++
	s.at++
	return nil
}

// leave skips a closing bracket and goes one level up.
func (s *scanner) leave() {
	s.depth--
	s.at++
}

// value skips the next value, which begins with the byte c.
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

// object reads an object and calls member, if not nil, for each of its members.
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
		// seen is a small Bloom filter with one bit per name. It proves most
		// names new without a comparison.
		bit := uint64(1) << ((uint(len(name))*7 + edges(name)) % 64)
		if seen&bit == 0 && len(s.names)-first < fewNames {
			s.names = append(s.names, name)
		} else if !s.addName(name, first) {
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

// array reads an array and calls element, if not nil, for each of its elements.
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

// end reports whether only white space is left.
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

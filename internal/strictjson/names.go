package strictjson

import (
	"bytes"
	"hash/maphash"
)

// The names of an object must be unique (RFC 7515, Section 4; RFC 7519, Section
// 4). The scanner compares few names one by one and keeps a hash table of many.

const (
	// fewNames is the number of names up to which an object needs no table.
	fewNames = 16
	// A pooled scanner keeps at most this much capacity.
	maxNames = 1 << 11
	maxTable = 1 << 12
)

// name reads a member name and decodes its escapes.
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

// edges hashes the first and the last byte of a name.
func edges(name []byte) uint {
	if len(name) == 0 {
		return 0
	}
	return uint(name[0]) + uint(name[len(name)-1])<<2
}

// addName adds a name to the innermost object, whose names begin at first. It
// reports false if the object already has the name.
func (s *scanner) addName(name []byte, first int) bool {
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

// table is a hash table of names with open addressing. A slot holds one more
// than the index of a name, or 0 if it is empty.
type table []int32

// seed is secret, so an attacker cannot choose names that collide.
var seed = maphash.MakeSeed()

// make returns a table of distinct names, reusing t's memory if it is large
// enough. slots must be a power of two.
func (t table) make(names [][]byte, slots int) table {
	if cap(t) < slots {
		t = make(table, slots)
	}
	t = t[:slots]
	clear(t)
	for i := range names {
		t.add(names, i)
	}
	return t
}

// add adds names[i]. It reports false if the table already has that name.
func (t table) add(names [][]byte, i int) bool {
	mask := uint64(len(t) - 1)
	for slot := maphash.Bytes(seed, names[i]) & mask; ; slot = (slot + 1) & mask {
		if t[slot] == 0 {
			t[slot] = int32(i) + 1
			return true
		}
		if bytes.Equal(names[t[slot]-1], names[i]) {
			return false
		}
	}
}

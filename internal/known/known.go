// Package known remembers what was made of texts that come again and again,
// such as the headers of an issuer's tokens, so that it need not be made of
// each anew.
package known

import (
	"hash/maphash"
	"math/rand/v2"
	"strings"
	"sync/atomic"
)

// Table holds the values of at most 128 texts of at most 1 KiB, of which new
// ones replace others at random. It is for texts of somebody who is trusted,
// such as those of a token whose signature has held; should they come in a
// flood, then values are made anew, and nothing worse.
//
// The zero Table is empty and ready to use. It is safe for concurrent use and
// never locks. A nil *Table finds nothing.
type Table[V any] struct {
	sets [sets][ways]atomic.Pointer[item[V]]
}

const (
	sets = 32
	ways = 4 // places for texts whose hashes lead to one set
)

// MaxText is the length of the longest text that a [Table] keeps, in bytes.
const MaxText = 1 << 10

type item[V any] struct {
	text  string
	value V
}

// seed makes hashes that nobody outside can aim at each other.
var seed = maphash.MakeSeed()

// Find returns the value of a text, nil if it is not known. It is shared: not
// to be changed.
func (t *Table[V]) Find(text string) *V { return find(t, text, maphash.String(seed, text)) }

// FindBytes is [Table.Find] for a text that is no string.
func (t *Table[V]) FindBytes(text []byte) *V { return find(t, text, maphash.Bytes(seed, text)) }

func find[V any, T string | []byte](t *Table[V], text T, hash uint64) *V {
	if t == nil || len(text) > MaxText {
		return nil
	}
	set := &t.sets[hash%sets]
	for i := range set {
		if known := set[i].Load(); known != nil && known.text == string(text) {
			return &known.value
		}
	}
	return nil
}

// Keep remembers the value of a text, of which it makes a copy. The value must
// not change any more.
func (t *Table[V]) Keep(text string, value V) {
	if len(text) > MaxText || t.Find(text) != nil {
		return
	}
	known := &item[V]{text: strings.Clone(text), value: value}
	set := &t.sets[maphash.String(seed, text)%sets]
	for i := range set {
		if set[i].CompareAndSwap(nil, known) {
			return
		}
	}
	set[rand.IntN(ways)].Store(known)
}

// Package known remembers values that were computed from recurring texts, such as
// the headers of an issuer's tokens.
package known

import (
	"hash/maphash"
	"math/rand/v2"
	"strings"
	"sync/atomic"
)

// Table holds the values of at most 128 texts of at most 1 KiB each. New texts
// replace random others. Keep only texts from a trusted source, such as a token
// whose signature was verified. A flood of texts only evicts others, whose values
// must then be computed again.
//
// The zero Table is empty, small and ready to use. It is safe for concurrent use
// and never locks. A nil *Table finds nothing.
type Table[V any] struct {
	places atomic.Pointer[places[V]] // nil before the first text
}

type places[V any] [sets][ways]atomic.Pointer[item[V]]

const (
	sets = 32
	ways = 4 // texts per set
)

// MaxText is the length in bytes of the longest text that a [Table] keeps.
const MaxText = 1 << 10

type item[V any] struct {
	text  string
	value V
}

// seed makes hashes unpredictable, so that nobody can make them collide on purpose.
var seed = maphash.MakeSeed()

// Find returns the value of a text, or nil if the text is unknown. All callers
// share the value: do not modify it.
func (t *Table[V]) Find(text string) *V { return find(t, text, maphash.String(seed, text)) }

// FindBytes is [Table.Find] for a byte slice.
func (t *Table[V]) FindBytes(text []byte) *V { return find(t, text, maphash.Bytes(seed, text)) }

func find[V any, T string | []byte](t *Table[V], text T, hash uint64) *V {
	if t == nil || len(text) > MaxText {
		return nil
	}
	places := t.places.Load()
	if places == nil {
		return nil
	}
	set := &places[hash%sets]
	for i := range set {
		if known := set[i].Load(); known != nil && known.text == string(text) {
			return &known.value
		}
	}
	return nil
}

// Keep remembers the value of a text. It copies the text; do not modify the value
// afterwards.
func (t *Table[V]) Keep(text string, value V) {
	if len(text) > MaxText || t.Find(text) != nil {
		return
	}
	if t.places.Load() == nil {
		t.places.CompareAndSwap(nil, new(places[V]))
	}
	known := &item[V]{text: strings.Clone(text), value: value}
	set := &t.places.Load()[maphash.String(seed, text)%sets]
	for i := range set {
		if set[i].CompareAndSwap(nil, known) {
			return
		}
	}
	set[rand.IntN(ways)].Store(known)
}

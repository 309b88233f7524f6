package keysource

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// maxCandidates is how many keys a token is tried with that names none, or
// whose key ID several keys share. A forged token costs its sender nothing and
// the verifier one signature check for each of them: with 32 keys of RSA-2048
// or P-256 one to two milliseconds. P-384 and P-521 take ten to fifty times as
// long as P-256.
const (
	maxCandidates     = 32
	maxSlowCandidates = 8
)

func maxCandidatesFor(alg jose.Algorithm) int {
	if alg == jose.ES384 || alg == jose.ES512 {
		return maxSlowCandidates
	}
	return maxCandidates
}

// Candidates are the keys that may have signed a token.
type Candidates struct {
	// Keys are to be tried. The slice is not to be modified.
	Keys []*jose.Key
	// Total is the number of keys that may have signed the token. It is more
	// than len(Keys) if they are too many to try.
	Total int
	// Generation is that of the set they come from, see [Source.Generation].
	Generation uint64
	// Nameless says that the token names a key ID which none of the keys has:
	// these are keys without an ID, which answer for any.
	Nameless bool
}

// keySet is one set of keys, arranged for lookups. It is immutable once it is
// stored in a source.
type keySet struct {
	generation uint64
	fetched    time.Time     // when its request began
	maxStale   time.Duration // zero: for ever
	keys       []*jose.Key
	skipped    []jose.Skipped
	more       int // keys that were skipped as well
	notes      []jose.Note
	print      [sha256.Size]byte // the same for sets of the same keys

	byID  map[string]group
	all   group // answers tokens without a key ID
	other group // answers key IDs that are not in byID; nil: nothing does
}

// group holds the keys that one key ID stands for, by algorithm.
type group map[jose.Algorithm]shortlist

type shortlist struct {
	keys  []*jose.Key // the first of them
	total int
}

func newGroup(keys []*jose.Key) group {
	g := make(group)
	for _, alg := range jose.Algorithms() {
		for _, key := range keys {
			if key.Can(alg) {
				g[alg] = g[alg].with(alg, 1, key)
			}
		}
	}
	return g
}

// with returns c and total more keys, of which the first are given.
func (c shortlist) with(alg jose.Algorithm, total int, keys ...*jose.Key) shortlist {
	room := min(maxCandidatesFor(alg)-len(c.keys), len(keys))
	return shortlist{append(c.keys, keys[:room]...), c.total + total}
}

// add adds the keys of other. It costs as much as the candidates of a token,
// however many keys there are.
func (g group) add(other group) {
	for alg, more := range other {
		g[alg] = g[alg].with(alg, more.total, more.keys...)
	}
}

// newKeySet arranges keys. With anyID, keys without an ID answer for any.
func newKeySet(keys jose.KeySet, anyID bool) *keySet {
	named := make(map[string][]*jose.Key)
	var nameless []*jose.Key
	for _, key := range keys.Keys {
		if id, ok := key.ID(); ok {
			named[id] = append(named[id], key)
		} else if anyID {
			nameless = append(nameless, key)
		}
	}
	set := &keySet{
		keys:    keys.Keys,
		skipped: keys.Skipped,
		more:    keys.More,
		notes:   keys.Notes,
		print:   fingerprint(keys.Keys),
		byID:    make(map[string]group, len(named)),
		all:     newGroup(keys.Keys),
	}
	if len(nameless) > 0 {
		set.other = newGroup(nameless)
	}
	for id, keys := range named {
		set.byID[id] = newGroup(keys)
		set.byID[id].add(set.other)
	}
	return set
}

// fingerprint tells sets apart by what their keys are, are called, and may do.
// The order of the keys and the rest of the document are no difference.
func fingerprint(keys []*jose.Key) [sha256.Size]byte {
	prints := make([]string, len(keys))
	var line []byte
	for i, key := range keys {
		id, ok := key.ID()
		line = fmt.Appendf(line[:0], "%q %t %s", id, ok, key.Thumbprint())
		for _, alg := range jose.Algorithms() {
			if key.Can(alg) {
				line = append(append(line, ' '), alg...)
			}
		}
		prints[i] = string(line)
	}
	slices.Sort(prints)
	return sha256.Sum256([]byte(strings.Join(prints, "\n")))
}

// usable reports whether set has a key that may be used at now. A nil set has
// none.
func (set *keySet) usable(now time.Time) bool {
	if set == nil || len(set.keys) == 0 {
		return false
	}
	if set.maxStale == 0 {
		return true
	}
	// The monotonic clock stands still while the machine sleeps, and the wall
	// clock may be set back: whichever says that more time has passed is right.
	return now.Sub(set.fetched) < set.maxStale &&
		now.Round(0).Sub(set.fetched.Round(0)) < set.maxStale
}

// end returns when set stops being usable.
func (set *keySet) end() time.Time { return set.fetched.Add(set.maxStale) }

// find returns the keys that may have signed a token. It does not allocate.
func (set *keySet) find(q Query) (Candidates, error) {
	g, nameless := set.all, false
	if q.HasKeyID {
		var ok bool
		if g, ok = set.byID[q.KeyID]; !ok {
			g, nameless = set.other, true
		}
	}
	if g == nil {
		return Candidates{}, ErrUnknownKey
	}
	c := g[q.Algorithm]
	switch {
	case c.keys != nil:
		return Candidates{Keys: c.keys, Total: c.total, Generation: set.generation, Nameless: nameless}, nil
	case q.HasKeyID:
		return Candidates{}, ErrKeyAlgorithm
	}
	return Candidates{}, ErrUnknownKey
}

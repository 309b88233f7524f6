package keysource

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// maxCandidates bounds the keys that are tried for a token without a key ID, or
// with a key ID that several keys share. A forged token costs its sender nothing,
// but costs the verifier one signature check per key: one to two milliseconds for
// 32 keys of RSA-2048 or P-256. P-384 and P-521 take ten to fifty times as long as
// P-256.
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
	// Keys are the keys to try. Do not modify the slice.
	Keys []*jose.Key
	// Total is the number of keys that may have signed the token. It exceeds
	// len(Keys) if there are too many to try.
	Total int
	// Generation is the generation of the set that contains Keys; see
	// [Source.Generation].
	Generation uint64
	// Nameless means that no key has the token's key ID, and that Keys are the
	// keys without an ID, which match any.
	Nameless bool
}

// keySet is a set of keys, indexed for lookups. It is immutable once it is stored
// in a source.
type keySet struct {
	generation uint64
	fetched    time.Time     // when its request began
	maxStale   time.Duration // zero: no limit
	keys       []*jose.Key
	skipped    []jose.Skipped
	more       int // further skipped keys, which skipped omits
	notes      []jose.Note
	print      [sha256.Size]byte // equal for sets of the same keys

	byID  map[string]group
	all   group // for tokens without a key ID
	other group // for key IDs that are not in byID; nil: such IDs are unknown
}

// group holds the keys that match a key ID, by algorithm.
type group map[jose.Algorithm]shortlist

type shortlist struct {
	keys  []*jose.Key // the first of total keys
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

// with returns c plus total more keys, the first of which are keys.
func (c shortlist) with(alg jose.Algorithm, total int, keys ...*jose.Key) shortlist {
	room := min(maxCandidatesFor(alg)-len(c.keys), len(keys))
	return shortlist{append(c.keys, keys[:room]...), c.total + total}
}

// add adds the keys of other. Its cost depends on the number of candidates for one
// token, and not on the total number of keys.
func (g group) add(other group) {
	for alg, more := range other {
		g[alg] = g[alg].with(alg, more.total, more.keys...)
	}
}

// newKeySet indexes keys. With anyID, keys without an ID match any key ID.
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
		print:   Fingerprint(keys.Keys),
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

// Fingerprint hashes the material, the ID and the algorithms of all keys. It
// ignores their order and the rest of the document.
func Fingerprint(keys []*jose.Key) [sha256.Size]byte {
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

// usable reports whether set has keys and is not stale. A nil set has none.
func (set *keySet) usable(now time.Time) bool {
	if set == nil || len(set.keys) == 0 {
		return false
	}
	if set.maxStale == 0 {
		return true
	}
	return elapsed(set.fetched, now) < set.maxStale
}

// elapsed returns the time from since to now. The monotonic clock stops while the
// machine sleeps, and the wall clock may be set back, so the longer time counts.
func elapsed(since, now time.Time) time.Duration {
	return max(now.Sub(since), now.Round(0).Sub(since.Round(0)))
}

// end returns when set becomes stale.
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

package keysource

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// maxCandidates is how many keys one token is tried with: those without a key
// ID, or with one that several keys share, cost as much each.
const maxCandidates = 8

// keySet is one set of keys, arranged for lookups. It is immutable once it is
// stored in a source.
type keySet struct {
	generation uint64
	fetched    time.Time     // when its request began
	maxStale   time.Duration // zero: for ever
	keys       []*jose.Key
	skipped    []jose.Skipped
	notes      []jose.Note
	print      string // the same for sets of the same keys

	byID  map[string]group
	all   group // answers tokens without a key ID
	other group // answers key IDs that are not in byID; nil: nothing does
}

// group holds the keys that one key ID stands for, by algorithm.
type group map[jose.Algorithm][]*jose.Key

func newGroup(keys []*jose.Key) group {
	g := make(group)
	for _, alg := range jose.Algorithms() {
		for _, key := range keys {
			if key.Can(alg) && len(g[alg]) < maxCandidates {
				g[alg] = append(g[alg], key)
			}
		}
	}
	return g
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
		notes:   keys.Notes,
		print:   fingerprint(keys.Keys),
		byID:    make(map[string]group, len(named)),
		all:     newGroup(keys.Keys),
	}
	for id, keys := range named {
		set.byID[id] = newGroup(append(keys, nameless...))
	}
	if len(nameless) > 0 {
		set.other = newGroup(nameless)
	}
	return set
}

// fingerprint tells sets apart by what their keys are, are called, and may do.
// The order of the keys and the rest of the document are no difference.
func fingerprint(keys []*jose.Key) string {
	prints := make([]string, len(keys))
	for i, key := range keys {
		id, ok := key.ID()
		prints[i] = fmt.Sprintf("%q %t %s", id, ok, key.Thumbprint())
		for _, alg := range jose.Algorithms() {
			if key.Can(alg) {
				prints[i] += " " + string(alg)
			}
		}
	}
	slices.Sort(prints)
	return strings.Join(prints, "\n")
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
func (set *keySet) find(kid string, hasKid bool, alg jose.Algorithm) ([]*jose.Key, error) {
	if !hasKid {
		if keys := set.all[alg]; keys != nil {
			return keys, nil
		}
		return nil, ErrUnknownKey
	}
	g, ok := set.byID[kid]
	if !ok {
		g = set.other
	}
	if g == nil {
		return nil, ErrUnknownKey
	}
	if keys := g[alg]; keys != nil {
		return keys, nil
	}
	return nil, ErrKeyAlgorithm
}

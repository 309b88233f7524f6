package bearerredis

import (
	"crypto/sha256"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/denylist"
)

var (
	errStaleList      = errors.New("bearerredis: the copy of the deny list is older than DenialsMaxStale")
	errNotList        = errors.New("bearerredis: the keys of the deny list contain something else")
	errNotEntry       = errors.New("bearerredis: an entry of the deny list is malformed")
	errTooManyEntries = errors.New("bearerredis: the deny list has too many entries")
)

// maxDenials limits the copy: another writer must not be able to fill the memory
// of the readers.
const maxDenials = 1 << 20

// denialCopy is an instance's copy of the deny list.
type denialCopy struct {
	limit int // of entries

	mu      sync.RWMutex
	entries map[[sha256.Size]byte]denial
	asOf    time.Time // when Redis was asked for the latest changes that are included
	swept   time.Time
}

type denial struct {
	denylist.Times
	version int64 // of the list after the entry's last change
}

func newDenialCopy() *denialCopy {
	return &denialCopy{limit: maxDenials, entries: make(map[[sha256.Size]byte]denial), asOf: time.Now()}
}

// denies reports whether the token of p is denied. It returns an error if the
// copy is too old to tell.
func (c *denialCopy) denies(p *bearer.Principal, maxStale time.Duration) (bool, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if len(c.entries) > 0 {
		keys, n := denylist.Keys(p)
		for _, key := range keys[:n] {
			d, known := c.entries[denialName(key)]
			if known && d.Denies(p, time.Now()) {
				return true, nil // however old the copy is
			}
		}
	}
	if time.Since(c.asOf) > maxStale {
		return false, errStaleList
	}
	return false, nil
}

// add adds an entry of this instance. It never weakens an existing entry. The
// next change from Redis replaces the result.
func (c *denialCopy) add(name [sha256.Size]byte, d denial) {
	c.mu.Lock()
	defer c.mu.Unlock()
	existing := c.entries[name]
	d.Times = d.Merge(existing.Times, time.Now())
	d.version = max(d.version, existing.version)
	c.entries[name] = d
}

// restart resets the versions of all entries. The list in Redis was replaced, and
// its versions cannot be compared with the old ones.
func (c *denialCopy) restart() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, d := range c.entries {
		d.version = 0
		c.entries[name] = d
	}
}

func (c *denialCopy) lift(name [sha256.Size]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, name)
}

// apply applies a change from Redis. It ignores a change that is older than this
// instance's own change of the entry. An empty entry was lifted.
func (c *denialCopy) apply(name, version, entry string) error {
	key, ok := decodeHash(name)
	if !ok {
		return errNotEntry
	}
	v, err := strconv.ParseInt(version, 10, 64)
	if err != nil {
		return errNotEntry
	}
	var d denial
	if entry != "" {
		if d, ok = parseDenial(entry); !ok {
			return errNotEntry
		}
		d.version = v
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	existing, known := c.entries[key]
	switch {
	case existing.version > v:
	case entry == "":
		delete(c.entries, key)
	case !known && len(c.entries) >= c.limit && !c.sweep(time.Now()):
		return errTooManyEntries
	default:
		c.entries[key] = d
	}
	return nil
}

// sweep removes expired entries and reports whether there is room for more. It
// visits every entry, so it runs at most once a second.
func (c *denialCopy) sweep(now time.Time) bool {
	if now.Sub(c.swept) < time.Second {
		return false
	}
	c.swept = now
	for name, d := range c.entries {
		if !d.Until.After(now) {
			delete(c.entries, name)
		}
	}
	return len(c.entries) < c.limit
}

// refresh records that updated has all changes that Redis had at t, up to the
// given version. If updated is another copy, refresh takes over its entries and
// keeps those that this instance has added since. Once a minute refresh removes
// expired entries.
func (c *denialCopy) refresh(t time.Time, updated *denialCopy, version int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if updated != c {
		for name, d := range c.entries {
			if d.version > version {
				updated.entries[name] = d
			}
		}
		c.entries = updated.entries
	}
	c.asOf = t
	if t.Sub(c.swept) >= time.Minute {
		c.sweep(t)
	}
}

func (c *denialCopy) age() time.Duration {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return time.Since(c.asOf)
}

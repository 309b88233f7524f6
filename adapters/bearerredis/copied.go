package bearerredis

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/denylist"
)

var (
	errNotHeard = errors.New("bearerredis: Redis was not heard of for too long; who is denied cannot be told")
	errNoList   = errors.New("bearerredis: what Redis has is no deny list")
	errNoEntry  = errors.New("bearerredis: what Redis has is no entry of a deny list")
	errTooMany  = errors.New("bearerredis: the deny list has too many entries")
)

// maxCopied bounds the copy: whoever else writes into Redis must not fill the
// memory of those who read.
const maxCopied = 1 << 20

// copied is an instance's copy of a deny list.
type copied struct {
	mu      sync.RWMutex
	entries map[[sha256.Size]byte]denial
	heard   time.Time // when the news was asked for that is in it
	swept   time.Time
}

type denial struct {
	denylist.Times
	version int64 // of the list that changed it last
}

func newCopied() *copied {
	return &copied{entries: make(map[[sha256.Size]byte]denial), heard: time.Now()}
}

// denies reports whether the token of p is denied, if that can be told.
func (c *copied) denies(p *bearer.Principal, maxStale time.Duration) (bool, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if len(c.entries) > 0 {
		keys, n := denylist.Keys(p)
		for _, key := range keys[:n] {
			d, known := c.entries[denialName(key)]
			if known && d.Denies(p, time.Now()) {
				return true, nil // whatever else there is by now
			}
		}
	}
	if time.Since(c.heard) > maxStale {
		return false, errNotHeard
	}
	return false, nil
}

// add adds what this instance denies, until the news says what came of it.
func (c *copied) add(name [sha256.Size]byte, d denial) {
	c.mu.Lock()
	defer c.mu.Unlock()
	there := c.entries[name]
	d.Times = d.Over(there.Times, time.Now())
	d.version = max(d.version, there.version)
	c.entries[name] = d
}

// begin notes that the versions of what comes do not compare with those that
// there are.
func (c *copied) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, d := range c.entries {
		d.version = 0
		c.entries[name] = d
	}
}

// lift takes an entry away.
func (c *copied) lift(name [sha256.Size]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, name)
}

// change does what the news says, unless this instance has changed the same
// entry after they were asked for.
func (c *copied) change(name, version, entry string) error {
	sum, err := base64.RawURLEncoding.Strict().DecodeString(name)
	if err != nil || len(sum) != sha256.Size {
		return errNoEntry
	}
	v, err := strconv.ParseInt(version, 10, 64)
	if err != nil {
		return errNoEntry
	}
	var d denial
	if entry != "" {
		var ok bool
		if d, ok = parseDenial(entry); !ok {
			return errNoEntry
		}
		d.version = v
	}
	key := [sha256.Size]byte(sum)
	c.mu.Lock()
	defer c.mu.Unlock()
	there, known := c.entries[key]
	switch {
	case there.version > v:
	case entry == "":
		delete(c.entries, key)
	case !known && len(c.entries) >= maxCopied && !c.sweep(time.Now()):
		return errTooMany
	default:
		c.entries[key] = d
	}
	return nil
}

// sweep drops what has ended, once in a second at most, since it looks at all. It
// reports whether there is room.
func (c *copied) sweep(now time.Time) bool {
	if now.Sub(c.swept) < time.Second {
		return false
	}
	c.swept = now
	for name, d := range c.entries {
		if !d.Until.After(now) {
			delete(c.entries, name)
		}
	}
	return len(c.entries) < maxCopied
}

// heardAt notes that all news up to a time and a version is in the copy, or in
// another one that takes its place together with what this instance has added
// since, and drops what has ended once a minute.
func (c *copied) heardAt(t time.Time, other *copied, version int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if other != c {
		for name, d := range c.entries {
			if d.version > version {
				other.entries[name] = d
			}
		}
		c.entries = other.entries
	}
	c.heard = t
	if t.Sub(c.swept) >= time.Minute {
		c.sweep(t)
	}
}

func (c *copied) age() time.Duration {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return time.Since(c.heard)
}

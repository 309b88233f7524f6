package bearerredis

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"sync"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/denylist"
)

var errNotHeard = errors.New("bearerredis: Redis was not heard of for too long; who is denied cannot be told")

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

type denial struct{ until, issuedBefore time.Time }

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
			if known && d.until.After(time.Now()) && !denylist.Spares(d.issuedBefore, p) {
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
	if there, known := c.entries[name]; known && there.until.After(time.Now()) {
		if there.until.After(d.until) {
			d.until = there.until
		}
		if there.issuedBefore.IsZero() || !d.issuedBefore.IsZero() && there.issuedBefore.After(d.issuedBefore) {
			d.issuedBefore = there.issuedBefore
		}
	}
	c.entries[name] = d
}

// set sets an entry, or takes it away if it has no time.
func (c *copied) set(name [sha256.Size]byte, d denial) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d.until.IsZero() {
		delete(c.entries, name)
		return true
	}
	c.entries[name] = d
	return len(c.entries) <= maxCopied
}

// change does what the news says, and reports whether it could.
func (c *copied) change(name, entry string) bool {
	sum, err := base64.RawURLEncoding.Strict().DecodeString(name)
	if err != nil || len(sum) != sha256.Size {
		return false
	}
	d, ok := denial{}, true
	if entry != "" {
		d, ok = parseDenial(entry)
	}
	return ok && c.set([sha256.Size]byte(sum), d)
}

// heardAt notes that all news up to a time is in the copy, or in another one
// that takes its place, and drops what has ended once a minute.
func (c *copied) heardAt(t time.Time, other *copied) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard, c.entries = t, other.entries
	if t.Sub(c.swept) < time.Minute {
		return
	}
	c.swept = t
	for name, d := range c.entries {
		if !d.until.After(t) {
			delete(c.entries, name)
		}
	}
}

func (c *copied) age() time.Duration {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return time.Since(c.heard)
}

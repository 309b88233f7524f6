package bearerredis

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/denylist"
)

var _ denylist.List = (*Denials)(nil)

// always is kept of an entry that spares no token; of others the second before
// which, and in which, denied tokens were issued.
const always = "*"

// latest is the last time that is told to Redis, whose numbers end somewhere.
var latest = time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC)

// Denials is a deny list in Redis, which all instances of a program have in
// common. It is safe for concurrent use. Its zero value is not usable; see
// [Cache.Denials].
//
// Each instance follows the list with a copy of its own, so that a request costs
// no round trip, and that a Redis which is lost stops nobody: entries that are
// known stay in force, and none can be added that others do not hear of, since
// Deny is an error then. What one instance adds the others know within a second.
type Denials struct {
	cache  *Cache
	keys   []string
	copied *copied
	first  chan struct{} // closed when Redis was asked once
	done   chan struct{}
}

// Denials returns the deny list in the same Redis, with the cache's prefix,
// timeout, connections and log. It is for bearer.Config.DenyList. The first call
// starts the goroutine that follows the list, which Close ends.
func (c *Cache) Denials() *Denials {
	c.denials.Do(func() {
		c.list = c.newDenials()
		go c.list.follow()
	})
	if c.list == nil { // the cache was closed before
		closed := c.newDenials()
		close(closed.first)
		return closed
	}
	return c.list
}

func (c *Cache) newDenials() *Denials {
	name := c.prefix + "denied"
	return &Denials{
		cache:  c,
		keys:   []string{name, name + ":until", name + ":log", name + ":version"},
		copied: newCopied(),
		first:  make(chan struct{}),
		done:   make(chan struct{}),
	}
}

// Deny implements [denylist.List]. This instance knows the entry when it
// returns, and the others within a second. How long an entry lasts is judged by
// the clocks of the instances.
func (d *Denials) Deny(ctx context.Context, e denylist.Entry) error {
	key, err := e.Check()
	if err != nil {
		return err
	}
	// Redis keeps the times with the leeway added, so all instances judge alike.
	now, added := time.Now(), denial{Times: e.Times(d.cache.leeway)}
	if !added.Until.After(now) {
		return nil
	}
	if added.Until.After(latest) {
		added.Until = latest
	}
	before := always
	if !added.IssuedBefore.IsZero() {
		before = strconv.FormatInt(added.IssuedBefore.Unix(), 10)
	}
	name := denialName(key)
	err = d.cache.run(ctx, change, func(ctx context.Context) (err error) {
		added.version, err = d.cache.evalKeys(ctx, deny, d.keys, now.UnixMilli(), added.Until.UnixMilli()+1, before, text(name), rand.Text()).Int64()
		return err
	})
	if err == nil {
		d.copied.add(name, added)
	}
	return err
}

// Lift implements [denylist.List]. The other instances hear of it within a
// second.
func (d *Denials) Lift(ctx context.Context, e denylist.Entry) error {
	key, err := e.Key()
	if err != nil {
		return err
	}
	name := denialName(key)
	err = d.cache.run(ctx, change, func(ctx context.Context) error {
		return d.cache.evalKeys(ctx, lift, d.keys, time.Now().UnixMilli(), text(name), rand.Text()).Err()
	})
	if err == nil {
		d.copied.lift(name)
	}
	return err
}

// Denied implements bearer.DenyList. It asks nobody, but for the very first
// time, when it waits until Redis has answered or failed. It is an error when
// Redis was not heard of for longer than [Config.DenialsMaxStale].
func (d *Denials) Denied(ctx context.Context, p *bearer.Principal) (bool, error) {
	select {
	case <-d.first:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	if d.cache.isClosed() {
		return false, errClosed
	}
	return d.copied.denies(p, d.cache.maxStale)
}

// denialName is a hash, so that nobody who reads Redis learns who is denied.
func denialName(key denylist.Key) [sha256.Size]byte {
	b := append(make([]byte, 0, 256), byte(key.Kind))
	b = binary.BigEndian.AppendUint32(b, uint32(len(key.Issuer)))
	b = append(append(b, key.Issuer...), key.Value...)
	return sha256.Sum256(b)
}

func text(name [sha256.Size]byte) string { return base64.RawURLEncoding.EncodeToString(name[:]) }

// parseDenial reads "UNTIL BEFORE", of which the first is in milliseconds and
// the second in seconds.
func parseDenial(s string) (denial, bool) {
	until, before, _ := strings.Cut(s, " ")
	ms, err := strconv.ParseInt(until, 10, 64)
	d := denial{Times: denylist.Times{Until: time.UnixMilli(ms)}}
	if err != nil || before == always {
		return d, err == nil
	}
	second, err := strconv.ParseInt(before, 10, 64)
	d.IssuedBefore = time.Unix(second, 0)
	return d, err == nil
}

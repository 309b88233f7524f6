package bearerredis

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/denylist"
)

var _ denylist.List = (*Denials)(nil)

// Denials is a deny list in Redis that all instances of a program share. It is
// safe for concurrent use. Its zero value is not usable; see [Client.Denials].
//
// Each instance keeps a copy of the list, so a request costs no round trip.
// Changes reach the other instances within a second. While Redis is unavailable,
// known entries stay in force. Deny then returns an error, because the other
// instances would not learn of the entry.
type Denials struct {
	client *Client
	keys   []string
	copy   *denialCopy
	asked  chan struct{} // closed after the first attempt to read the list
	done   chan struct{} // closed when follow has returned
}

// Denials returns the shared deny list for bearer.Config.DenyList. The first call
// starts a goroutine that follows the list until [Client.Close]. Later calls
// return the same list.
func (c *Client) Denials() *Denials {
	c.denialsOnce.Do(func() {
		c.denials = c.newDenials()
		go c.denials.follow()
	})
	if c.denials == nil { // closed before the first call
		closed := c.newDenials()
		close(closed.asked)
		return closed
	}
	return c.denials
}

func (c *Client) newDenials() *Denials {
	return &Denials{
		client: c,
		keys:   c.keys.denials(c.cluster != nil),
		copy:   newDenialCopy(),
		asked:  make(chan struct{}),
		done:   make(chan struct{}),
	}
}

// Deny implements [denylist.List]. This instance enforces the entry when Deny
// returns, the others within a second. The clocks of the instances decide when
// the entry ends.
func (d *Denials) Deny(ctx context.Context, e denylist.Entry) error {
	key, err := e.Check()
	if err != nil {
		return err
	}
	// The stored times include the leeway, so all instances decide alike.
	now, added := time.Now(), denial{Times: e.Times(d.client.leeway)}
	if !added.Until.After(now) {
		return nil
	}
	if added.Until.After(maxUntil) {
		added.Until = maxUntil
	}
	name := denialName(key)
	until, before := formatDenial(added.Times)
	err = d.client.run(ctx, changeDenials, func(ctx context.Context) (err error) {
		added.version, err = d.client.eval(ctx, denyScript, d.keys, now.UnixMilli(), until, before, encodeHash(name), rand.Text()).Int64()
		return err
	})
	if err == nil {
		d.copy.add(name, added)
	}
	return err
}

// Lift implements [denylist.List]. The other instances follow within a second.
func (d *Denials) Lift(ctx context.Context, e denylist.Entry) error {
	key, err := e.Key()
	if err != nil {
		return err
	}
	name := denialName(key)
	err = d.client.run(ctx, changeDenials, func(ctx context.Context) error {
		return d.client.eval(ctx, liftScript, d.keys, time.Now().UnixMilli(), encodeHash(name), rand.Text()).Err()
	})
	if err == nil {
		d.copy.lift(name)
	}
	return err
}

// Denied implements bearer.DenyList. It reads this instance's copy. The first
// calls wait until Redis has answered or failed once. Denied returns an error if
// the copy is older than [Config.DenialsMaxStale].
func (d *Denials) Denied(ctx context.Context, p *bearer.Principal) (bool, error) {
	select {
	case <-d.asked:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	if d.client.isClosed() {
		return false, errClosed
	}
	return d.copy.denies(p, d.client.maxStale)
}

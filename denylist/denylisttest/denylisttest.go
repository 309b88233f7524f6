// Package denylisttest tests implementations of denylist.List.
package denylisttest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/denylist"
)

// Check tests a list: it adds entries, looks up tokens and lifts the entries
// again. All entries are of a random issuer, so list may contain other entries.
// The error reports every failure. The list's leeway must be the default of 5 s
// or longer.
func Check(ctx context.Context, list denylist.List) error {
	c := &check{ctx: ctx, list: list, issuer: "https://" + rand.Text() + ".example.com"}
	c.names()
	c.times()
	c.merges()
	return errors.Join(c.errs...)
}

type check struct {
	ctx    context.Context
	list   denylist.List
	issuer string
	errs   []error
}

func (c *check) fail(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf(format, args...))
}

// token returns a token of alice for the client shop, issued an hour ago in the
// session s-1.
func (c *check) token() bearer.Principal {
	return bearer.Principal{
		Issuer: c.issuer, TokenID: "jti-1", Subject: "alice", ClientID: "shop", SessionID: "s-1",
		IssuedAt: time.Unix(time.Now().Unix()-3600, 0),
	}
}

func (c *check) deny(e denylist.Entry) {
	e.Issuer = c.issuer
	if e.Until.IsZero() {
		e.Until = time.Now().Add(time.Hour)
	}
	if err := c.list.Deny(c.ctx, e); err != nil {
		c.fail("Deny(%+v): %w", e, err)
	}
}

func (c *check) lift(e denylist.Entry) {
	e.Issuer = c.issuer
	if err := c.list.Lift(c.ctx, e); err != nil {
		c.fail("Lift(%+v): %w", e, err)
	}
}

func (c *check) want(want bool, p bearer.Principal, why string) {
	if denied, err := c.list.Denied(c.ctx, &p); denied != want || err != nil {
		c.fail("%s: Denied = %t, %v; want %t", why, denied, err, want)
	}
}

// names checks that an entry denies the tokens that it selects and no others.
func (c *check) names() {
	for _, e := range []denylist.Entry{{TokenID: "jti-1"}, {Subject: "alice"}, {ClientID: "shop"}, {SessionID: "s-1"}} {
		c.want(false, c.token(), "before")
		c.deny(e)
		c.want(true, c.token(), "a denied token")

		foreign := c.token()
		foreign.Issuer += "/other"
		c.want(false, foreign, "the same names at another issuer")
		other := bearer.Principal{Issuer: c.issuer, TokenID: "jti-2", Subject: "bob", ClientID: "app", SessionID: "s-2", IssuedAt: time.Now()}
		c.want(false, other, "other names")
		// The same text in another claim is a different key.
		moved := bearer.Principal{
			Issuer:  c.issuer,
			TokenID: e.Subject + e.ClientID + e.SessionID, Subject: e.TokenID + e.ClientID + e.SessionID,
			ClientID: e.TokenID + e.Subject + e.SessionID, SessionID: e.TokenID + e.Subject + e.ClientID,
		}
		c.want(false, moved, "the same text in other claims")
		c.want(false, bearer.Principal{Issuer: c.issuer}, "no names")

		c.lift(e)
		c.want(false, c.token(), "after the entry was lifted")
		c.lift(e) // lifting a missing entry is not an error
	}
	// Keys stay distinct if issuer and value concatenate to the same text.
	c.deny(denylist.Entry{Subject: "b"})
	joined := c.token()
	joined.Issuer, joined.Subject = c.issuer+"b", ""
	c.want(false, joined, "issuer and subject that concatenate to the same text")
	c.lift(denylist.Entry{Subject: "b"})
}

// within is shorter than the list's leeway, and beyond is longer.
const (
	within = 4 * time.Second
	beyond = denylist.MaxLeeway + time.Second
)

// times checks which tokens IssuedBefore and Until deny.
func (c *check) times() {
	p := c.token()
	e := denylist.Entry{Subject: "alice"}
	for _, tt := range []struct {
		why    string
		before time.Time
		issued time.Time
		want   bool
	}{
		{"issued before", p.IssuedAt.Add(time.Second), p.IssuedAt, true},
		{"issued in the same second", p.IssuedAt.Add(999 * time.Millisecond), p.IssuedAt, true},
		{"issued later in the same second", p.IssuedAt.Add(100 * time.Millisecond), p.IssuedAt.Add(900 * time.Millisecond), true},
		{"issued after, within the leeway", p.IssuedAt.Add(-within), p.IssuedAt, true},
		{"issued after, beyond the leeway", p.IssuedAt.Add(-beyond), p.IssuedAt, false},
		{"without iat", p.IssuedAt.Add(-beyond), time.Time{}, true},
	} {
		e.IssuedBefore = tt.before
		c.deny(e)
		own := p
		own.IssuedAt = tt.issued
		c.want(tt.want, own, tt.why)
		c.lift(e)
	}
	c.deny(denylist.Entry{Subject: "alice", Until: time.Now().Add(-within)})
	c.want(true, p, "an expired entry, within the leeway")
	c.lift(denylist.Entry{Subject: "alice"})
	c.deny(denylist.Entry{Subject: "alice", Until: time.Now().Add(-beyond)})
	c.want(false, p, "an expired entry, beyond the leeway")
}

// merges checks that Deny never weakens an existing entry.
func (c *check) merges() {
	p := c.token()
	spares, denies := p.IssuedAt.Add(-beyond), p.IssuedAt.Add(time.Minute)
	for _, tt := range []struct {
		why     string
		entries []time.Time // IssuedBefore of each
		want    bool
	}{
		{"later, then earlier", []time.Time{denies, spares}, true},
		{"earlier, then later", []time.Time{spares, denies}, true},
		{"always, then earlier", []time.Time{{}, spares}, true},
		{"earlier, then always", []time.Time{spares, {}}, true},
		{"twice earlier", []time.Time{spares, spares}, false},
	} {
		for _, before := range tt.entries {
			c.deny(denylist.Entry{ClientID: "shop", IssuedBefore: before})
		}
		c.want(tt.want, p, tt.why)
		c.lift(denylist.Entry{ClientID: "shop"})
	}
	c.deny(denylist.Entry{TokenID: "jti-1"})
	c.deny(denylist.Entry{TokenID: "jti-1", Until: time.Now().Add(time.Millisecond)})
	timer := time.NewTimer(5 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.ctx.Done():
		c.fail("%w", c.ctx.Err())
	}
	c.want(true, p, "a long entry, then a short one")
	c.lift(denylist.Entry{TokenID: "jti-1"})
}

package bearerredis

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/denylist"
)

var _ denylist.List = (*Denials)(nil)

// always is kept of an entry that spares no token; of others the second before
// which, and in which, denied tokens were issued.
const always = "*"

// Denials is a deny list in Redis, which all instances of a program see at once.
// It is safe for concurrent use. Its zero value is not usable; see
// [Cache.Denials].
//
// Every accepted request asks Redis, in one round trip. While Redis is out of
// reach nobody can tell who is denied, and the guard answers 503. It is as
// reliable as its Redis, as [Replays] is.
type Denials struct{ cache *Cache }

// Denials returns a deny list in the same Redis, with the cache's prefix,
// timeout, connections and log. It is for bearer.Config.DenyList, and is closed
// with the cache. All that are returned for one prefix are one list.
func (c *Cache) Denials() *Denials { return &Denials{c} }

// Deny implements [denylist.List]. How long an entry lasts is counted from now,
// by the caller's clock.
func (d *Denials) Deny(ctx context.Context, e denylist.Entry) error {
	key, err := e.Check()
	if err != nil {
		return err
	}
	ms := (time.Until(e.Until) + time.Millisecond - 1).Milliseconds()
	if ms <= 0 {
		return nil
	}
	before := always
	if !e.IssuedBefore.IsZero() {
		before = strconv.FormatInt(e.IssuedBefore.Unix(), 10)
	}
	return d.cache.run(ctx, burn, func(ctx context.Context) error {
		return d.cache.eval(ctx, deny, denialKey(key), ms, before)
	})
}

// Lift implements [denylist.List].
func (d *Denials) Lift(ctx context.Context, e denylist.Entry) error {
	key, err := e.Key()
	if err != nil {
		return err
	}
	return d.cache.run(ctx, burn, func(ctx context.Context) error {
		return d.cache.client.Del(ctx, d.cache.prefix+denialKey(key)).Err()
	})
}

// Denied implements bearer.DenyList. It returns an error within
// [Config.Timeout] while Redis is out of reach, and always asks.
func (d *Denials) Denied(ctx context.Context, p *bearer.Principal) (bool, error) {
	keys, n := denylist.Keys(p)
	if n == 0 {
		return false, nil
	}
	names := make([]string, n)
	for i, key := range keys[:n] {
		names[i] = d.cache.prefix + denialKey(key)
	}
	var denied bool
	err := d.cache.run(ctx, judge, func(ctx context.Context) error {
		entries, err := d.cache.client.MGet(ctx, names...).Result()
		if err != nil {
			return err
		}
		if len(entries) != n {
			return errNotInFormat
		}
		denied = false
		for _, entry := range entries {
			holds, err := denies(entry, p)
			if err != nil {
				return err
			}
			denied = denied || holds
		}
		return nil
	})
	return denied && err == nil, err
}

// denies reports whether what is kept of an entry, nil if there is none, denies
// the token of p.
func denies(entry any, p *bearer.Principal) (bool, error) {
	switch entry {
	case nil:
		return false, nil
	case always:
		return true, nil
	}
	text, _ := entry.(string)
	second, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return false, errNotInFormat
	}
	return !denylist.Spares(time.Unix(second, 0), p), nil
}

// denialKey is a hash, so that nobody who reads Redis learns who is denied.
func denialKey(key denylist.Key) string {
	b := append(make([]byte, 0, 256), byte(key.Kind))
	b = binary.BigEndian.AppendUint32(b, uint32(len(key.Issuer)))
	b = append(append(b, key.Issuer...), key.Value...)
	sum := sha256.Sum256(b)
	return "denied:" + base64.RawURLEncoding.EncodeToString(sum[:])
}

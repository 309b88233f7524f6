package bearerredis

import (
	"context"
	"encoding/base64"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bearerkit/bearerkit/dpop"
)

var _ dpop.ReplayStore = (*Replays)(nil)

var (
	errTooLate   = errors.New("bearerredis: the time until which the proof was to be remembered has passed")
	errLostReply = errors.New("bearerredis: a reply was lost, and the proof is there now: who used it cannot be told")
)

// Replays remembers used proofs of possession in Redis, so that one is good once
// in all instances of a program. It is safe for concurrent use. Its zero value
// is not usable; see [Cache.Replays].
//
// It is as reliable as its Redis. One that restarts without what it had, or that
// evicts keys to make room, lets a proof be used once more within the minute or
// so that it would have been remembered: let Redis write to disk, and set
// maxmemory-policy to noeviction.
type Replays struct{ cache *Cache }

// Replays returns a store of used proofs in the same Redis, with the cache's
// prefix, timeout, connections and log. It is for dpop.Config.Replays, and is
// closed with the cache. All that are returned for one prefix are one store.
func (c *Cache) Replays() *Replays { return &Replays{c} }

// Burn implements [dpop.ReplayStore]. Of all callers of all instances, one is
// told that the proof is fresh.
//
// While Redis is out of reach, or keeps nothing more, it returns an error within
// [Config.Timeout]. It always asks: unlike with a cache, not to ask would refuse
// a request. An until that has passed is an error too, and stores nothing.
//
// How long a proof is remembered is counted from now, by the caller's monotonic
// clock, so neither the caller's clock nor that of Redis need be right, as long
// as the latter is not set forward meanwhile. A proof costs Redis some 190 bytes
// for a minute, so that 1 GiB is enough for 80,000 a second. Beyond
// [Config.ProofsPerOwner] the error is [dpop.ErrQuota]; a proof whose owner the
// caller does not tell counts for its key.
func (r *Replays) Burn(ctx context.Context, proof dpop.UsedProof) (fresh bool, err error) {
	ms := (time.Until(proof.Until) + time.Millisecond - 1).Milliseconds()
	if ms <= 0 {
		return false, errTooLate
	}
	c, tries, full := r.cache, 0, false
	name, counter := c.proofKeys(&proof)
	err = c.run(ctx, burn, func(ctx context.Context) error {
		tries++
		answer, err := c.use(ctx, name, counter, ms)
		fresh, full = err == nil && answer == "OK", err == nil && answer == "QUOTA"
		switch {
		case errors.Is(err, redis.Nil):
			return nil
		case err == nil && !fresh && !full:
			return errNotInFormat
		}
		return err
	})
	switch {
	case err != nil:
		return false, err
	case full:
		return false, dpop.ErrQuota
	case !fresh && tries > 1:
		// The try whose reply was lost may be what used the proof: it is
		// neither accepted nor called a replay. One that is fresh even now was
		// used by no try before.
		return false, errLostReply
	}
	return fresh, nil
}

// proofKeys returns the key of a proof, and that of the counter which it counts
// for.
func (c *Cache) proofKeys(proof *dpop.UsedProof) (name, counter string) {
	name = c.prefix + "proof:" + base64.RawURLEncoding.EncodeToString(proof.ID[:])
	if proof.Owner == ([32]byte{}) {
		return name, c.prefix + "proofs-of-key:" + proof.JKT
	}
	return name, c.prefix + "proofs-of:" + base64.RawURLEncoding.EncodeToString(proof.Owner[:])
}

// use uses a proof up, without the counter if there is no bound.
func (c *Cache) use(ctx context.Context, name, counter string, ms int64) (answer string, err error) {
	if c.perOwner < 0 {
		return c.client.Do(ctx, "SET", name, "", "PX", ms, "NX").Text()
	}
	return c.evalKeys(ctx, use, []string{name, counter}, ms, c.perOwner).Text()
}

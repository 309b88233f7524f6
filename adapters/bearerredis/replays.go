package bearerredis

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bearerkit/bearerkit/dpop"
)

var _ dpop.ReplayStore = (*Replays)(nil)

var (
	errExpiredProof = errors.New("bearerredis: UsedProof.Until has passed")
	errLostReply    = errors.New("bearerredis: a reply was lost, and the proof is in Redis now: either this request or an earlier one used it")
)

// Replays remembers used DPoP proofs in Redis, so that each proof is accepted
// once across all instances of a program. It is safe for concurrent use. Its zero
// value is not usable; see [Client.Replays].
//
// A Redis that loses keys accepts a used proof once more until the proof
// expires, which is about a minute. Enable persistence in Redis and set
// maxmemory-policy to noeviction.
type Replays struct{ client *Client }

// Replays returns the store of used proofs for dpop.Config.Replays. All stores
// with the same prefix share their proofs.
func (c *Client) Replays() *Replays { return &Replays{c} }

// Burn implements [dpop.ReplayStore]. Of all concurrent callers in all
// instances, exactly one is told that the proof is fresh.
//
// While Redis is unavailable or refuses writes, Burn returns an error within
// [Config.Timeout]. Burn ignores the circuit and always asks Redis, because
// skipping Redis would refuse the request. A proof whose Until has passed is an
// error and is not stored. If the proof's owner has reached
// [Config.ProofsPerOwner], the error is [dpop.ErrQuota]. A proof without an owner
// counts for its key.
//
// Burn computes the remaining lifetime of a proof by the caller's monotonic clock,
// so the wall clocks of the caller and of Redis need not be correct. If the clock
// of Redis is set forward, Redis forgets proofs early. A proof takes about 190
// bytes of Redis's memory for a minute: 1 GiB is enough for 80,000 proofs per
// second.
func (r *Replays) Burn(ctx context.Context, proof dpop.UsedProof) (fresh bool, err error) {
	ms := (time.Until(proof.Until) + time.Millisecond - 1).Milliseconds()
	if ms <= 0 {
		return false, errExpiredProof
	}
	tries, full := 0, false
	name, counter := r.client.keys.proof(&proof), r.client.keys.quota(&proof)
	var lost *atomic.Int32 // in a Cluster: the tries of the Cluster client
	if r.client.cluster != nil {
		lost = new(atomic.Int32)
		ctx = withLost(ctx, lost)
	}
	err = r.client.run(ctx, burnProof, func(ctx context.Context) error {
		tries++
		reply, err := r.use(ctx, name, counter, ms)
		fresh, full = err == nil && reply == "OK", err == nil && reply == "QUOTA"
		switch {
		case errors.Is(err, redis.Nil):
			return nil
		case err == nil && !fresh && !full:
			return errProtocol
		}
		return err
	})
	switch {
	case err != nil:
		return false, err
	case full:
		return false, dpop.ErrQuota
	case !fresh && (tries > 1 || lost != nil && lost.Load() > 0):
		// An earlier try of this call, whose reply was lost, may have used the
		// proof. The proof is neither fresh nor certainly a replay. If Redis
		// says it is fresh even now, no earlier try has used it.
		return false, errLostReply
	}
	return fresh, nil
}

// use stores the proof under name if it is not there. Without a limit on proofs
// per owner, use needs no counter.
func (r *Replays) use(ctx context.Context, name, counter string, ms int64) (reply string, err error) {
	c, limit := r.client, r.client.proofsPerOwner
	if limit >= 0 && c.cluster == nil {
		return c.eval(ctx, useScript, []string{name, counter}, ms, limit).Text()
	}
	reply, err = c.redis.Do(ctx, "SET", name, "", "PX", ms, "NX").Text()
	if limit < 0 || err != nil || reply != "OK" {
		return reply, err
	}
	// In a Cluster the counter is often on another node than the proof, so no
	// script can use both. A proof that cannot be counted is refused.
	reply, err = c.eval(ctx, countScript, []string{counter}, ms, limit).Text()
	if err == nil && reply == "QUOTA" {
		err = c.redis.Del(ctx, name).Err() // a refused proof must not take memory
	}
	return reply, err
}

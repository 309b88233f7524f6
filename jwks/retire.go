package jwks

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// start begins to close idle issuers.
func (r *resolver) start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended {
		r.sweeper = time.AfterFunc(r.sweepEvery(), r.sweep)
	}
}

func (r *resolver) sweepEvery() time.Duration { return max(r.config.ResolvedIdle/4, time.Second) }

// sweep closes the issuers that have been idle for too long.
func (r *resolver) sweep() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return
	}
	now := time.Now()
	for _, i := range r.live {
		if i.idle(now) >= r.config.ResolvedIdle {
			r.drop(i)
		}
	}
	for iss, i := range r.parked {
		if i.idle(now) >= r.config.ResolvedIdle {
			delete(r.parked, iss)
			r.shut(i)
		}
	}
	r.sweeper.Reset(r.sweepEvery())
}

// idle returns how long no good token has come.
func (i *issuer) idle(now time.Time) time.Duration {
	used := i.approval.used.Load() // 0, if none came, is long ago
	return min(now.Sub(i.approval.since), time.Duration(now.UnixNano()-used))
}

// end stops the calls of Resolve and the sweeper, and returns the issuers whose key
// sources are open. The issuers stay live.
func (r *resolver) end() []*issuer {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.cancel()
	return r.close()
}

// close makes r admit no more issuers, and returns those whose key sources are
// open. The caller holds r.mu.
func (r *resolver) close() []*issuer {
	r.ended = true
	if r.sweeper != nil {
		r.sweeper.Stop()
	}
	return slices.AppendSeq(slices.Collect(maps.Values(r.live)), maps.Values(r.parked))
}

// retire ends r in favor of the configuration next, which swap stores. Nothing that
// Resolve has approved is accepted any more, and next.resolver gets the issuers
// that may return with their keys. It returns the others.
//
// r.mu is held meanwhile, so a caller that finds r ended also finds next stored.
func (r *resolver) retire(next *snapshot, swap func()) (unused []*issuer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	open := r.close()
	slices.SortFunc(open, func(i, j *issuer) int { // those in use first
		return cmp.Compare(j.approval.used.Load(), i.approval.used.Load())
	})
	to := next.resolver
	for _, i := range open {
		i.gone.Store(true)
		if to == nil || next.issuers[i.url] != nil || !i.approval.proven.Load() || len(to.parked) >= to.config.MaxResolved {
			unused = append(unused, i)
			continue
		}
		i.source.Rest()
		to.parked[i.url] = i
	}
	clear(r.live)
	clear(r.parked)
	swap()
	r.cancel() // releases those who wait
	return unused
}

package introspect

import (
	"sync/atomic"
	"time"
)

// Stats are counters since [New].
type Stats struct {
	Issuer string // [Config.Issuer]

	Hits       uint64 // uses answered from the cache
	Misses     uint64 // all other uses
	SharedHits uint64 // answers from the shared cache
	Stale      uint64 // uses answered from the cache by ServeStale
	Requests   uint64 // requests to the endpoint, including probes
	Probes     uint64 // requests about random tokens, which show whether the endpoint works
	Failures   uint64 // requests about tokens that brought no answer
	Rejected   uint64 // requests not sent: the circuit is open, too many are under way, or the token failed a moment ago

	// Open is the time until the next probe of an open circuit. It is zero
	// while the circuit is closed.
	Open time.Duration
}

type counters struct {
	hits, misses, sharedHits, stale, requests, probes, failures, rejected atomic.Uint64
}

// Stats returns the current counters.
func (v *Verifier) Stats() Stats {
	c := &v.counters
	return Stats{
		Issuer: v.config.Issuer,
		Hits:   c.hits.Load(), Misses: c.misses.Load(), SharedHits: c.sharedHits.Load(), Stale: c.stale.Load(),
		Requests: c.requests.Load(), Probes: c.probes.Load(), Failures: c.failures.Load(), Rejected: c.rejected.Load(),
		Open: v.circuit.open(time.Now()),
	}
}

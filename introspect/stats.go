package introspect

import (
	"sync/atomic"
	"time"
)

// Stats are counters since [New], for metrics.
type Stats struct {
	Hits       uint64 // answered by what is kept
	Misses     uint64 // not so
	SharedHits uint64 // answered by the shared cache
	Stale      uint64 // answered by what is kept, while the endpoint was away
	Requests   uint64 // sent to the endpoint, with the probes
	Probes     uint64 // questions of our own about random tokens, which tell whether the endpoint is well
	Failures   uint64 // questions about tokens that brought no answer
	Rejected   uint64 // not sent: the circuit is open, too many are under way, or this token failed a moment ago

	// Open is not zero while the circuit is open: the time until the next
	// probe.
	Open time.Duration
}

type counters struct {
	hits, misses, sharedHits, stale, requests, probes, failures, rejected atomic.Uint64
}

// Stats returns the counters.
func (v *Verifier) Stats() Stats {
	c := &v.counters
	return Stats{
		Hits: c.hits.Load(), Misses: c.misses.Load(), SharedHits: c.sharedHits.Load(), Stale: c.stale.Load(),
		Requests: c.requests.Load(), Probes: c.probes.Load(), Failures: c.failures.Load(), Rejected: c.rejected.Load(),
		Open: v.circuit.open(time.Now()),
	}
}

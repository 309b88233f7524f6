package introspect

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Stats are counters since [New], for metrics.
type Stats struct {
	Hits       uint64 // answered by what is kept
	Misses     uint64 // not so
	SharedHits uint64 // answered by the shared cache
	Stale      uint64 // answered by what is kept, while the endpoint was away
	Requests   uint64 // sent to the endpoint
	Failures   uint64 // requests that brought no answer
	Rejected   uint64 // not sent: the endpoint is left alone, or too many are under way

	// Open is how long the endpoint is left alone still, because it failed.
	Open time.Duration
}

type counters struct {
	hits, misses, sharedHits, stale, requests, failures, rejected atomic.Uint64
}

// Stats returns the counters.
func (v *Verifier) Stats() Stats {
	c := &v.counters
	return Stats{
		Hits: c.hits.Load(), Misses: c.misses.Load(), SharedHits: c.sharedHits.Load(), Stale: c.stale.Load(),
		Requests: c.requests.Load(), Failures: c.failures.Load(), Rejected: c.rejected.Load(),
		Open: v.circuit.state(),
	}
}

// journal tells the log what an operator must know: that a trouble has begun,
// then at most once a minute that it goes on, and its end.
type journal struct {
	config        Config
	mu            sync.Mutex
	asking, store trouble
}

type trouble struct {
	on   bool
	told time.Time
}

// changed reports whether there is something to tell.
func (t *trouble) changed(failed bool) bool {
	now := time.Now()
	switch {
	case failed && (!t.on || now.Sub(t.told) >= time.Minute):
		t.on, t.told = true, now
		return true
	case !failed && t.on:
		t.on = false
		return true
	}
	return false
}

func (j *journal) asked(err error) {
	j.mu.Lock()
	tell := j.asking.changed(err != nil)
	j.mu.Unlock()
	switch {
	case tell && err != nil:
		j.config.Logger.Warn("cannot introspect tokens", slog.String("issuer", j.config.Issuer),
			slog.String("error", err.Error()), slog.String("hint", hint(err)))
	case tell:
		j.config.Logger.Info("tokens can be introspected again", slog.String("issuer", j.config.Issuer))
	}
}

func (j *journal) shared(err error) {
	j.mu.Lock()
	tell := j.store.changed(err != nil)
	j.mu.Unlock()
	switch {
	case tell && err != nil:
		j.config.Logger.Warn("the shared cache fails; the endpoint is asked instead", slog.String("error", err.Error()))
	case tell:
		j.config.Logger.Info("the shared cache works again")
	}
}

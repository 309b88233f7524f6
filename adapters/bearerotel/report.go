package bearerotel

import (
	"math"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/bearerkit/bearerkit/denylist"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
)

// report is one collection of the sources' statistics. An instrument keeps one value
// for each series, so the counters of sources with the same attributes are added up,
// and of the keys, circuits and stores the worst one is reported.
type report struct {
	gauges
	issuers *issuerTable
	to      metric.Observer
}

// keysOf are the keys of an issuer, or the worst of several.
type keysOf struct{ keys, fetched int64 }

func (r *report) jwts(verifiers []*jwks.Verifier) {
	if len(verifiers) == 0 {
		return
	}
	var sum jwks.Stats
	issuers := map[string]keysOf{}
	for _, v := range verifiers {
		s := v.Stats()
		sum.Signatures += s.Signatures
		sum.Cache.Hits += s.Cache.Hits
		sum.Cache.Misses += s.Cache.Misses
		sum.Cache.Entries += s.Cache.Entries
		sum.Resolve.Live += s.Resolve.Live
		sum.Resolve.Unknown += s.Resolve.Unknown
		sum.Resolve.Answered += s.Resolve.Answered
		sum.Resolve.Failures += s.Resolve.Failures
		for _, i := range s.Issuers {
			label := r.issuers.label(i.URL)
			worst, ok := issuers[label]
			if !ok {
				worst = keysOf{math.MaxInt64, math.MaxInt64}
			}
			var fetched int64
			switch {
			case !i.Fetched.IsZero():
				fetched = i.Fetched.Unix()
			case i.Keys > 0:
				fetched = math.MaxInt64 // the configuration contains the keys
			}
			issuers[label] = keysOf{min(worst.keys, int64(i.Keys)), min(worst.fetched, fetched)}
		}
	}
	for label, i := range issuers {
		set := of(attribute.String(issuerKey, label))
		r.to.ObserveInt64(r.keys, i.keys, set)
		if i.fetched != math.MaxInt64 {
			r.to.ObserveInt64(r.keysFetched, i.fetched, set)
		}
	}
	r.to.ObserveInt64(r.verifications, int64(sum.Signatures))
	r.lookups("jwt", sum.Cache.Hits, sum.Cache.Misses)
	r.to.ObserveInt64(r.cacheEntries, int64(sum.Cache.Entries))
	r.to.ObserveInt64(r.resolveCalls, int64(sum.Resolve.Answered), of(attribute.String(resultKey, "answered")))
	r.to.ObserveInt64(r.resolveCalls, int64(sum.Resolve.Failures), of(attribute.String(resultKey, "failed")))
	r.to.ObserveInt64(r.resolved, int64(sum.Resolve.Live), of(attribute.String(stateKey, "live")))
	r.to.ObserveInt64(r.resolved, int64(sum.Resolve.Unknown), of(attribute.String(stateKey, "unknown")))
}

func (r *report) lookups(cache string, hits, misses uint64) {
	name := attribute.String(cacheKey, cache)
	r.to.ObserveInt64(r.cacheLookups, int64(hits), of(name, attribute.String(resultKey, "hit")))
	r.to.ObserveInt64(r.cacheLookups, int64(misses), of(name, attribute.String(resultKey, "miss")))
}

func (r *report) opaque(verifiers []*introspect.Verifier) {
	if len(verifiers) == 0 {
		return
	}
	byIssuer := map[string]introspect.Stats{}
	var hits, misses uint64
	for _, v := range verifiers {
		s := v.Stats()
		hits, misses = hits+s.Hits, misses+s.Misses
		label := r.issuers.label(s.Issuer)
		sum := byIssuer[label]
		sum.Rejected += s.Rejected
		sum.Stale += s.Stale
		sum.SharedHits += s.SharedHits
		sum.Open = max(sum.Open, s.Open)
		byIssuer[label] = sum
	}
	r.lookups("introspection", hits, misses)
	for label, s := range byIssuer {
		set := of(attribute.String(issuerKey, label))
		var open int64
		if s.Open > 0 {
			open = 1
		}
		r.to.ObserveInt64(r.circuit, open, set)
		r.to.ObserveInt64(r.rejected, int64(s.Rejected), set)
		r.to.ObserveInt64(r.stale, int64(s.Stale), set)
		r.to.ObserveInt64(r.shared, int64(s.SharedHits), set)
	}
}

func (r *report) proofs(checkers []*dpop.Checker) {
	if len(checkers) == 0 {
		return
	}
	var checked uint64
	refusals := map[string]uint64{}
	for _, c := range checkers {
		s := c.Stats()
		checked += s.Checked
		for check, n := range s.Refusals {
			if !knownCheck(check) {
				check = other
			}
			refusals[check] += n
		}
		refusals["replay store full"] += s.Full
		refusals["replay store quota"] += s.Quota
		refusals["replay store failed"] += s.Failed
	}
	r.to.ObserveInt64(r.gauges.proofs, int64(checked))
	for check, n := range refusals {
		r.to.ObserveInt64(r.proofRefusals, int64(n), of(attribute.String(errorTypeKey, check)))
	}
}

func (r *report) stores(replays []*dpop.MemoryReplays, denials []*denylist.Memory) {
	var fullest fill
	for _, m := range replays {
		s := m.Stats()
		fullest = fullest.or(fill{int64(s.Live), int64(s.Capacity)})
	}
	if len(replays) > 0 {
		r.to.ObserveInt64(r.gauges.replays, fullest.used)
		r.to.ObserveInt64(r.replayLimit, fullest.limit)
	}
	fullest = fill{}
	for _, m := range denials {
		s := m.Stats()
		fullest = fullest.or(fill{int64(s.Entries), int64(s.Capacity)})
	}
	if len(denials) > 0 {
		r.to.ObserveInt64(r.gauges.denials, fullest.used)
		r.to.ObserveInt64(r.denialLimit, fullest.limit)
	}
}

// fill says how full a store is.
type fill struct{ used, limit int64 }

// or returns the fuller one of two stores. In a sum, an empty store would hide a full
// one, whose requests are refused. The zero fill is no store.
func (f fill) or(other fill) fill {
	if f.limit == 0 || float64(other.used)/float64(other.limit) > float64(f.used)/float64(f.limit) {
		return other
	}
	return f
}

func of(attributes ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(attributes...))
}

package jwks

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Ready returns nil when the keys of the given issuers are at hand, by their
// [Issuer.URL], and otherwise an error that names those whose are not. Without
// an argument it is about all issuers. An issuer that is not configured is an
// error too. Ready never waits: it is for readiness probes.
//
// With several issuers the program chooses which ones it needs. While keys are
// missing, tokens of their issuer are answered 503, and those of the others
// are served. A probe that asks about all issuers takes the whole API out of
// service for that; see docs/issuers.md.
func (v *Verifier) Ready(issuers ...string) error {
	if len(issuers) == 0 {
		issuers = slices.Sorted(maps.Keys(v.issuers))
	}
	var errs []error
	for _, url := range issuers {
		i, ok := v.issuers[url]
		if !ok {
			errs = append(errs, fmt.Errorf("jwks: issuer %q is not among Config.Issuers", url))
			continue
		}
		if err := i.source.Ready(); err != nil {
			errs = append(errs, fmt.Errorf("jwks: issuer %q: %w", url, err))
		}
	}
	return errors.Join(errs...)
}

// Close ends the background work of v, and waits for its end. Verify then goes
// on with the keys at hand, and finds no new ones.
func (v *Verifier) Close() {
	for _, i := range v.issuers {
		i.source.Close()
	}
}

// Stats are counters since [New], for metrics.
type Stats struct {
	// Issuers has one entry for each issuer, in ascending order of URL.
	Issuers []IssuerStats

	// Refusals counts tokens that were not accepted, by the check that failed:
	// "exp", "signature", "kid", "keys" (out of reach) and so on. A token of
	// another issuer or form counts as "iss" or "form".
	Refusals map[string]uint64

	// Signatures counts the checks of a token's signature.
	Signatures uint64

	// Cache tells about the cache of accepted tokens.
	Cache CacheStats
}

// CacheStats tells about the cache of accepted tokens. All are zero without
// one.
type CacheStats struct {
	Hits, Misses uint64 // tokens that were in it, and tokens that were not
	Entries      int    // tokens that are in it now
	Bytes        int    // what they cost, about
}

// IssuerStats tells about the keys of one issuer.
type IssuerStats struct {
	URL      string
	Fetches  uint64    // requests for keys; of a file, the readings that found it changed
	Failures uint64    // fetches that failed, of metadata or keys
	Keys     int       // usable keys at hand
	Fetched  time.Time // when they were fetched; zero: never, or not fetched at all
}

// Stats returns the counters.
func (v *Verifier) Stats() Stats {
	stats := Stats{Refusals: v.refusals.Snapshot(), Signatures: v.signatures.Load(), Cache: CacheStats(v.cache.Stats())}
	for _, url := range slices.Sorted(maps.Keys(v.issuers)) {
		s := v.issuers[url].source.Stats()
		stats.Issuers = append(stats.Issuers, IssuerStats{
			URL: url, Fetches: s.Fetches, Failures: s.Failures + s.DiscoveryFailures, Keys: s.Keys, Fetched: s.Fetched,
		})
	}
	return stats
}

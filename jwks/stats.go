package jwks

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Ready returns nil if the keys of the given issuers are available, and otherwise
// an error that names the issuers without keys. Issuers are given by their
// [Issuer.URL]; without arguments, Ready checks all of them. An issuer that is
// not configured is an error. Ready never waits, so a readiness probe can call
// it.
//
// If one issuer of several has no keys, only its tokens are answered 503. A probe
// that checks all issuers then takes the whole API out of service, so pass only
// the issuers that the API cannot work without; see docs/issuers.md.
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

// Close stops the background work of v and waits until it has stopped. Verify
// then still uses the keys it has, and fetches no new ones.
func (v *Verifier) Close() {
	for _, i := range v.issuers {
		i.source.Close()
	}
}

// Stats are counters since [New], for metrics.
type Stats struct {
	// Issuers has one element for each issuer, sorted by URL.
	Issuers []IssuerStats

	// Refusals counts tokens that were not accepted, by the check that failed:
	// "exp", "signature", "kid", "keys" (unavailable) and so on. A token from
	// another issuer counts as "iss", and a token that is not a JWT as "form".
	Refusals map[string]uint64

	// Signatures counts signature checks.
	Signatures uint64

	// Cache describes the cache of accepted tokens.
	Cache CacheStats
}

// CacheStats describes the cache of accepted tokens. It is zero without a cache.
type CacheStats struct {
	Hits, Misses uint64 // tokens that were in the cache, and others
	Entries      int    // tokens that are in the cache now
	Bytes        int    // their approximate cost
}

// IssuerStats describes the keys of one issuer.
type IssuerStats struct {
	URL      string
	Fetches  uint64    // requests for keys; for a file, how often it was found changed
	Failures uint64    // failed fetches of metadata or keys
	Keys     int       // usable keys
	Fetched  time.Time // when the keys were fetched; zero if they were not
}

// Stats returns the counters as they are now.
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

package jwks

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Ready returns nil if the keys of the given issuers are available, and otherwise
// an error that names the issuers without keys, at most 20. Issuers are given by
// their [Issuer.URL]; without arguments, Ready checks all of [Config.Issuers]. An
// issuer that is neither among them nor live by [Config.Resolve] is an error. Ready
// never waits, so a readiness probe can call it.
//
// If one issuer of several has no keys, only its tokens are answered 503. A probe
// that checks all issuers then takes the whole API out of service, so pass only
// the issuers that the API cannot work without; see docs/issuers.md.
func (v *Verifier) Ready(issuers ...string) error {
	s := v.current.Load()
	if len(issuers) == 0 {
		issuers = slices.Sorted(maps.Keys(s.issuers))
	}
	var errs []error
	missing := 0
	for _, url := range issuers {
		i := s.issuers[url]
		if i == nil && s.resolver != nil {
			i = s.resolver.find(url)
		}
		err := s.ready(i, url)
		if err == nil {
			continue
		}
		if missing++; missing <= maxMissingTold {
			errs = append(errs, err)
		}
	}
	if more := missing - maxMissingTold; more > 0 {
		errs = append(errs, fmt.Errorf("jwks: %d more issuers have no keys", more))
	}
	return errors.Join(errs...)
}

// maxMissingTold is how many issuers without keys the error of Ready names.
const maxMissingTold = 20

// ready says why the keys of an issuer are not available. i is nil if the issuer is
// not known.
func (s *snapshot) ready(i *issuer, url string) error {
	if i == nil {
		return s.notLive(url)
	}
	if err := i.source.Ready(); err != nil {
		return fmt.Errorf("jwks: issuer %q: %w", url, err)
	}
	return nil
}

func (s *snapshot) notLive(url string) error {
	if s.resolver != nil {
		return fmt.Errorf("jwks: issuer %q is not among Config.Issuers, and no token has made Config.Resolve return it", url)
	}
	return fmt.Errorf("jwks: issuer %q is not among Config.Issuers", url)
}

// Stats are counters since [New], for metrics.
type Stats struct {
	// Issuers has one element for each of Config.Issuers, sorted by URL. Counters
	// of an issuer begin when its keys are first fetched.
	Issuers []IssuerStats

	// Refusals counts tokens that were not accepted, by the check that failed:
	// "exp", "signature", "kid", "keys" (unavailable) and so on. A token from
	// another issuer counts as "iss", and a token that is not a JWT as "form".
	Refusals map[string]uint64

	// Signatures counts signature checks.
	Signatures uint64

	// Cache describes the cache of accepted tokens.
	Cache CacheStats

	// Resolve describes [Config.Resolve].
	Resolve ResolveStats
}

// ResolveStats describes [Config.Resolve]. It is zero without it.
type ResolveStats struct {
	Live     int    // issuers whose tokens are accepted now without another call
	Unknown  int    // issuers that are remembered as unknown now
	Calls    uint64 // calls of Resolve, also those under way
	Answered uint64 // calls that returned an issuer or bearer.ErrUnrecognized
	Failures uint64 // calls that could not tell, or returned a mistake
}

// CacheStats describes the cache of accepted tokens. It is zero without a cache.
// Hits and Misses count over all configurations of a verifier: [Verifier.Reconfigure]
// does not reset them.
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

// Fetch describes a fetch of an issuer's metadata or keys; see [Config.OnFetch].
type Fetch struct {
	Issuer   string // [Issuer.URL]
	URL      string // where from; of metadata that are discovered, the issuer. Without userinfo and query
	Metadata bool   // the metadata were fetched, and not the keys
	Began    time.Time
	Took     time.Duration
	Keys     int   // usable keys in the response
	Err      error // nil: the response is usable
}

// Stats returns the counters as they are now.
func (v *Verifier) Stats() Stats {
	current := v.current.Load()
	stats := Stats{Refusals: v.refusals.Snapshot(), Signatures: v.signatures.Load()}
	size := current.cache.Stats()
	stats.Cache = CacheStats{Hits: v.lookups.Hits(), Misses: v.lookups.Misses(), Entries: size.Entries, Bytes: size.Bytes}
	stats.Resolve.Calls, stats.Resolve.Answered, stats.Resolve.Failures = v.resolves.calls.Load(), v.resolves.answered.Load(), v.resolves.failures.Load()
	if r := current.resolver; r != nil {
		stats.Resolve.Live, stats.Resolve.Unknown = r.count()
	}
	for _, url := range slices.Sorted(maps.Keys(current.issuers)) {
		s := current.issuers[url].source.Stats()
		stats.Issuers = append(stats.Issuers, IssuerStats{
			URL: url, Fetches: s.Fetches, Failures: s.Failures + s.DiscoveryFailures, Keys: s.Keys, Fetched: s.Fetched,
		})
	}
	return stats
}

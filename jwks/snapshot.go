package jwks

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/setting"
	"github.com/bearerkit/bearerkit/internal/tokencache"
)

// snapshot is a compiled [Config]. [Verifier.Reconfigure] replaces it as a whole,
// so a call of Verify judges a token by one configuration. It does not change once
// it is stored in the verifier.
type snapshot struct {
	issuers   map[string]*issuer // Config.Issuers by URL
	spellings spellings
	leeway    time.Duration
	cache     *tokencache.Cache[facts] // nil: no cache
	bounds    cacheBounds
	logger    *slog.Logger
	onFetch   func(Fetch) // nil: nothing is called
	resolver  *resolver   // nil: no Config.Resolve
}

// cacheBounds are what the entries of a cache depend on.
type cacheBounds struct {
	entries, bytes int
	leeway         time.Duration
}

// compile returns the snapshot of a configuration, without key sources and cache.
// The error reports all mistakes.
func (v *Verifier) compile(c Config) (*snapshot, error) {
	issuers, err := c.compileIssuers(v.profiles)
	if err := errors.Join(c.check(), err); err != nil {
		return nil, err
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	s := &snapshot{
		issuers: issuers, spellings: newSpellings(issuers, c.Resolve != nil),
		leeway: setting.OrDefault(c.Leeway, defaultLeeway), logger: c.Logger, onFetch: c.OnFetch,
	}
	s.bounds = cacheBounds{
		setting.OrDefault(c.CacheEntries, defaultCacheEntries),
		setting.OrDefault(c.CacheBytes, defaultCacheBytes),
		s.leeway,
	}
	if c.Resolve != nil {
		s.resolver = newResolver(v, s, c)
	}
	return s, nil
}

// compileIssuers returns the issuers by URL, and the mistakes in them.
func (c *Config) compileIssuers(shared *profiles) (map[string]*issuer, error) {
	var errs []error
	issuers := make(map[string]*issuer, len(c.Issuers))
	for n, given := range c.Issuers {
		at := fmt.Sprintf("jwks: Config.Issuers[%d]", n)
		if issuers[given.URL] != nil {
			errs = append(errs, fmt.Errorf("%s.URL: duplicate issuer URL %q", at, fetch.Redact(given.URL)))
		}
		compiled, err := given.compile(c, shared)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", at, err))
		}
		issuers[given.URL] = compiled
	}
	return issuers, errors.Join(errs...)
}

// The first issuers fetch their keys at once. The others follow at this rate, so
// that a program with thousands of issuers does not ask all of them together.
const (
	fetchedAtOnce   = 64
	fetchesASecond  = 500
	fetchesInterval = time.Second / fetchesASecond
)

// inherit completes next: an issuer that old has too keeps its keys, and if its
// settings are equal, its cached tokens. It returns the issuers whose keys nobody
// uses any more.
func (v *Verifier) inherit(old, next *snapshot) (unused []*issuer) {
	next.cache = old.cache
	if old.bounds != next.bounds {
		next.cache = nil
		if b := next.bounds; b.entries > 0 && b.bytes > 0 {
			next.cache = newCache(b.entries, b.bytes, &v.lookups)
		}
	}
	kept := make(map[*issuer]bool, len(next.issuers))
	opened := 0
	for _, url := range slices.Sorted(maps.Keys(next.issuers)) {
		i, was := next.issuers[url], old.issuers[url]
		switch {
		case was != nil && was.equal(i):
			next.issuers[url] = was
			kept[was] = true
			continue
		case was != nil && was.origin == i.origin:
			i.source = was.source
			kept[was] = true
			was.gone.Store(true)
		default:
			v.open(i, next, time.Duration(max(0, opened-fetchedAtOnce))*fetchesInterval)
			opened++
		}
		v.enlist(i, next.logger)
	}
	for _, was := range old.issuers {
		if !kept[was] {
			was.gone.Store(true)
			unused = append(unused, was)
		}
	}
	return unused
}

// enlist completes an issuer whose tokens will be verified.
func (v *Verifier) enlist(i *issuer, logger *slog.Logger) {
	i.serial = v.serials.Add(1)
	i.journal = claims.NewJournal(logger, i.url, i.profile.Names)
}

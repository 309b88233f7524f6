package jwks

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/setting"
)

// Config configures a [Verifier].
type Config struct {
	// Issuers are the authorization servers whose tokens are accepted.
	// Required: at least one.
	Issuers []Issuer

	// Leeway is the clock difference to an issuer that exp, nbf and iat
	// tolerate. Default: 5 s. Negative: none. At most 5 min.
	Leeway time.Duration

	// RefreshBudget is the least time between fetches that tokens with unknown
	// keys cause, after a burst of two. While no fetch is allowed, Verify
	// answers "cannot tell" for a token with an unknown key that was issued
	// after the last fetch, and refuses an older one. The budget also limits
	// the fetches that requests cause while there are no keys. Default: 10 s.
	RefreshBudget time.Duration

	// MaxStale is how long keys are used after they were fetched if the issuer
	// is unreachable. Default: 24 h.
	MaxStale time.Duration

	// CacheEntries and CacheBytes bound the cache of accepted tokens, whose
	// signatures are not checked again while their issuer's keys stay the same.
	// Default: 10,000 tokens and 32 MiB. If one is negative, there is no cache.
	CacheEntries, CacheBytes int

	// Client fetches metadata and keys. Its cookie jar is not used, and it
	// follows redirects only within an origin. After a timeout, the idle
	// connections of its Transport are closed, so that dead ones are replaced; a
	// RoundTripper that wraps a Transport needs a CloseIdleConnections method
	// for that. Default: a client that also detects dead connections by HTTP/2
	// pings.
	Client *http.Client

	// Logger records failed fetches, recoveries and skipped keys. It also
	// records, once per claim, that an issuer sends a malformed claim, which is
	// read as absent. Default: no log.
	Logger *slog.Logger
}

// The defaults of [Config]. Package keysource has the defaults of RefreshBudget and
// MaxStale.
const (
	defaultLeeway       = 5 * time.Second
	maxLeeway           = 5 * time.Minute
	defaultCacheEntries = 10_000
	defaultCacheBytes   = 32 << 20
)

// New returns a Verifier and starts to fetch its issuers' keys in the
// background. It does not wait for them, but it reads the files of
// [KeysFromFile]. The error reports all mistakes in the configuration. Call
// [Verifier.Close] to stop the background work.
func New(c Config) (*Verifier, error) {
	names := claims.NewNames()
	issuers, err := c.compileIssuers(names)
	if err := errors.Join(c.check(), err); err != nil {
		return nil, err
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	for _, given := range c.Issuers {
		issuers[given.URL].source = given.keySource(c)
		issuers[given.URL].journal = claims.NewJournal(c.Logger, given.URL, names)
	}
	v := &Verifier{
		issuers: issuers, names: names, spellings: newSpellings(issuers),
		leeway: setting.OrDefault(c.Leeway, defaultLeeway),
	}
	entries := setting.OrDefault(c.CacheEntries, defaultCacheEntries)
	bytes := setting.OrDefault(c.CacheBytes, defaultCacheBytes)
	if entries > 0 && bytes > 0 {
		v.cache = newCache(entries, bytes)
	}
	return v, nil
}

// check reports the mistakes outside of c.Issuers.
func (c Config) check() error {
	var errs []error
	if c.Leeway > maxLeeway {
		errs = append(errs, fmt.Errorf("jwks: Config.Leeway is %v; want at most %v", c.Leeway, maxLeeway))
	}
	for _, d := range [...]struct {
		name  string
		value time.Duration
	}{{"RefreshBudget", c.RefreshBudget}, {"MaxStale", c.MaxStale}} {
		if d.value < 0 {
			errs = append(errs, fmt.Errorf("jwks: Config.%s is %v; want a positive duration", d.name, d.value))
		}
	}
	if len(c.Issuers) == 0 {
		errs = append(errs, errors.New("jwks: Config.Issuers is empty; want at least one"))
	}
	return errors.Join(errs...)
}

// compileIssuers returns the issuers by URL, and the mistakes in them.
func (c Config) compileIssuers(names *claims.Names) (map[string]*issuer, error) {
	var errs []error
	issuers := make(map[string]*issuer, len(c.Issuers))
	for n, given := range c.Issuers {
		at := fmt.Sprintf("jwks: Config.Issuers[%d]", n)
		if issuers[given.URL] != nil {
			errs = append(errs, fmt.Errorf("%s.URL: duplicate issuer URL %q", at, fetch.Redact(given.URL)))
		}
		compiled, err := given.compile(names)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", at, err))
		}
		issuers[given.URL] = compiled
	}
	return issuers, errors.Join(errs...)
}

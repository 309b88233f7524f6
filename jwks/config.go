package jwks

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/keysource"
	"github.com/bearerkit/bearerkit/internal/known"
	"github.com/bearerkit/bearerkit/internal/weburl"
	"github.com/bearerkit/bearerkit/scope"
)

// Config configures a [Verifier].
type Config struct {
	// Issuers are those whose tokens are accepted. Required: at least one.
	Issuers []Issuer

	// Leeway is how far the clocks of issuers may be off, for exp, nbf and
	// iat. Default: 5 s. Negative: none. At most 5 min.
	Leeway time.Duration

	// RefreshBudget is the least time between fetches that tokens with
	// unknown keys cause, after a burst of two. While it is spent, a token with
	// an unknown key that was issued after the last fetch is "cannot tell", and
	// an older one is refused. It also bounds the fetches that requests cause
	// while there are no keys. Default: 10 s.
	RefreshBudget time.Duration

	// MaxStale is how long after their fetch keys are used while the issuer
	// is out of reach, and never longer. Default: 24 h.
	MaxStale time.Duration

	// CacheEntries and CacheBytes bound the cache of tokens that were accepted,
	// whose signatures are not checked again while their issuer's keys stay the
	// same. Default: 10,000 tokens and 32 MiB. One of them negative: no cache.
	CacheEntries, CacheBytes int

	// Client fetches metadata and keys. Its cookie jar is not used, and
	// redirects are followed within an origin only. After a timeout the idle
	// connections of its Transport are closed, so that dead ones are replaced;
	// a RoundTripper that wraps a Transport should have CloseIdleConnections
	// for that. Default: a client of the verifier's own, which also finds dead
	// connections by HTTP/2 pings.
	Client *http.Client

	// Logger is told of failed and recovered fetches, of keys that are skipped,
	// and once for each claim that an issuer's tokens have malformed and that is
	// read as absent. Default: silence.
	Logger *slog.Logger
}

// Issuer is an authorization server whose access tokens are accepted.
type Issuer struct {
	// URL is the issuer identifier, compared with iss exactly (RFC 9068,
	// Section 4): an https URL without query and fragment, or http on a
	// loopback host; see AllowNonHTTPSIdentifier for others. It is only
	// compared, unless Keys is discovery, which starts from it. Required.
	URL string

	// AllowNonHTTPSIdentifier lets URL be anything that the issuer puts into
	// iss: an http URL, as AD FS has it, or a name. It weakens nothing that is
	// sent, since Keys must then say where the keys are, and these URLs are
	// https all the same.
	AllowNonHTTPSIdentifier bool

	// Audience lists the audiences of which a token's aud must hold one,
	// exactly: what the issuer calls this API. Required: at least one.
	Audience []string

	// Keys says where the keys come from. Default: discovery.
	Keys KeySource

	// Algorithms are the signature algorithms that are accepted (RFC 8725,
	// Section 3.1). Default: RS256, RS384, RS512, PS256, PS384, PS512, ES256,
	// ES384, ES512, EdDSA and Ed25519.
	Algorithms []string

	// Profile says how the access tokens look. Default: RFC 9068.
	Profile Profile

	// RequireKeyID refuses tokens without kid in their header. Without it such
	// a token is tried with all keys for its algorithm, but with not more than
	// 32, or 8 for ES384 and ES512. Set it for an issuer that always sends kid
	// and publishes many keys, so that a forged token costs one signature check.
	RequireKeyID bool

	// InsecureAllowHTTP accepts http URLs on hosts that are not loopback, and
	// fetches keys from there: anybody on the path to the issuer can forge
	// tokens then.
	InsecureAllowHTTP bool
}

const (
	defaultLeeway        = 5 * time.Second
	maxLeeway            = 5 * time.Minute
	defaultRefreshBudget = keysource.DefaultRefreshBudget
	defaultMaxStale      = keysource.DefaultMaxStale
	defaultCacheEntries  = 10_000
	defaultCacheBytes    = 32 << 20
)

// issuer is an Issuer in the form that tokens are judged by.
type issuer struct {
	url        string
	audience   []string
	algorithms []jose.Algorithm
	profile    *profile
	source     *keysource.Source
	journal    *claims.Journal

	requireKeyID bool

	// What was read from the claims of tokens whose signature held.
	scopes known.Table[scope.Set]        // by their claim
	lists  known.Table[bearer.Principal] // by the claims, see listsOf
}

// New builds a Verifier and starts to fetch the keys of its issuers in the
// background; it does not wait for them, but it reads the files of keys. All
// mistakes of the configuration are reported at once. [Verifier.Close] ends what
// New started.
func New(c Config) (*Verifier, error) {
	c, err := c.withDefaults()
	errs := []error{err}
	if len(c.Issuers) == 0 {
		errs = append(errs, errors.New("jwks: Config.Issuers is empty; want at least one"))
	}
	issuers := make(map[string]*issuer, len(c.Issuers))
	names := claims.NewNames()
	for i, given := range c.Issuers {
		at := fmt.Sprintf("jwks: Config.Issuers[%d]", i)
		if issuers[given.URL] != nil {
			errs = append(errs, fmt.Errorf("%s.URL: duplicate issuer URL %q", at, fetch.Redact(given.URL)))
		}
		judge, err := given.compile(names)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", at, err))
		}
		issuers[given.URL] = judge
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, given := range c.Issuers {
		issuers[given.URL].source = given.keySource(c)
		issuers[given.URL].journal = claims.NewJournal(c.Logger, given.URL, names)
	}
	v := &Verifier{issuers: issuers, names: names, spellings: newSpellings(issuers), leeway: c.Leeway}
	if c.CacheEntries > 0 && c.CacheBytes > 0 {
		v.cache = newCache(c.CacheEntries, c.CacheBytes)
	}
	return v, nil
}

func (c Config) withDefaults() (Config, error) {
	var errs []error
	switch {
	case c.Leeway == 0:
		c.Leeway = defaultLeeway
	case c.Leeway < 0:
		c.Leeway = 0
	case c.Leeway > maxLeeway:
		errs = append(errs, fmt.Errorf("jwks: Config.Leeway is %v; want at most %v", c.Leeway, maxLeeway))
	}
	for _, d := range [...]struct {
		name     string
		value    *time.Duration
		fallback time.Duration
	}{
		{"RefreshBudget", &c.RefreshBudget, defaultRefreshBudget},
		{"MaxStale", &c.MaxStale, defaultMaxStale},
	} {
		if *d.value < 0 {
			errs = append(errs, fmt.Errorf("jwks: Config.%s is %v; want a positive duration", d.name, *d.value))
		}
		if *d.value == 0 {
			*d.value = d.fallback
		}
	}
	if c.CacheEntries == 0 {
		c.CacheEntries = defaultCacheEntries
	}
	if c.CacheBytes == 0 {
		c.CacheBytes = defaultCacheBytes
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, errors.Join(errs...)
}

func (i Issuer) compile(names *claims.Names) (*issuer, error) {
	var errs []error
	if err := i.checkURL(); err != nil {
		errs = append(errs, err)
	}
	if len(i.Audience) == 0 {
		errs = append(errs, errors.New("Audience is empty; want what the issuer puts into aud for this API"))
	}
	if slices.Contains(i.Audience, "") {
		errs = append(errs, errors.New("Audience has an empty value"))
	}
	for n, audience := range i.Audience {
		if err := weburl.CheckAudience(audience); err != nil && audience != "" {
			errs = append(errs, fmt.Errorf("Audience[%d] %q: %w", n, audience, err))
		}
	}
	if err := i.Keys.check(i.InsecureAllowHTTP); err != nil {
		errs = append(errs, fmt.Errorf("Keys: %w", err))
	}
	algorithms := jose.Algorithms()
	if i.Algorithms != nil {
		algorithms = nil
		for _, name := range i.Algorithms {
			algorithm := jose.Algorithm(name)
			if !algorithm.Supported() {
				errs = append(errs, fmt.Errorf("Algorithms: %q; want some of %v", name, jose.Algorithms()))
			}
			algorithms = append(algorithms, algorithm)
		}
		if len(algorithms) == 0 {
			errs = append(errs, errors.New("Algorithms is empty; leave it out for the default"))
		}
	}
	profile, err := i.Profile.compile(names)
	if err != nil {
		errs = append(errs, err)
	}
	return &issuer{
		url:        i.URL,
		audience:   slices.Clone(i.Audience),
		algorithms: algorithms,
		profile:    profile,

		requireKeyID: i.RequireKeyID,
	}, errors.Join(errs...)
}

func (i Issuer) checkURL() error {
	if i.AllowNonHTTPSIdentifier && !i.Keys.discovers() {
		if err := fetch.CheckIdentifier(i.URL); err != nil {
			return fmt.Errorf("URL: %w", err)
		}
		return nil
	}
	u, err := fetch.CheckURL(i.URL, i.InsecureAllowHTTP)
	switch {
	case err == nil && (u.RawQuery != "" || u.ForceQuery):
		return fmt.Errorf("URL %q has a query; want none (RFC 8414, Section 2)", fetch.Redact(i.URL))
	case err == nil:
		return nil
	case i.URL == "", weburl.Unfilled(i.URL) != nil:
		return fmt.Errorf("URL: %w", err)
	case i.AllowNonHTTPSIdentifier:
		return fmt.Errorf("URL: %w; it does not say where the keys are, so set Keys to KeysFromMetadata or KeysFromURL", err)
	}
	return fmt.Errorf("URL: %w; if the tokens have it as iss, set AllowNonHTTPSIdentifier and Keys", err)
}

func (i Issuer) keySource(c Config) *keysource.Source {
	if i.Keys.static != nil {
		return keysource.Static(i.Keys.static)
	}
	return keysource.New(keysource.Config{
		Issuer:        i.URL,
		JWKSURI:       i.Keys.url,
		MetadataURL:   i.Keys.metadata,
		File:          i.Keys.file,
		Client:        fetch.New(c.Client, i.InsecureAllowHTTP),
		InsecureHTTP:  i.InsecureAllowHTTP,
		RefreshBudget: c.RefreshBudget,
		MaxStale:      c.MaxStale,
		Logger:        c.Logger,
	})
}

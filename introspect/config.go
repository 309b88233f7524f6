package introspect

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/nilcheck"
	"github.com/bearerkit/bearerkit/internal/setting"
	"github.com/bearerkit/bearerkit/internal/weburl"
)

// Config configures a [Verifier]. Of a duration or a size, zero is the default
// and negative is none, unless it says otherwise.
type Config struct {
	// Issuer is the authorization server that the endpoint belongs to, by its
	// issuer identifier. An answer whose iss is another is refused; one
	// without iss is this issuer's. It is only compared, unless the endpoint is
	// discovered. Required.
	Issuer string

	// AllowNonHTTPSIdentifier lets Issuer be anything that the server calls
	// itself: an http URL, or a name. It weakens nothing that is sent, since
	// Endpoint, and JWKSURI of Signed, are required then and are https all the
	// same.
	AllowNonHTTPSIdentifier bool

	// Endpoint is the URL of the introspection endpoint. Default: what the
	// issuer's metadata say (RFC 8414).
	Endpoint string

	// Auth is how we authenticate there. Required.
	Auth Auth

	// Audience lists the audiences of which an answer's aud must hold one,
	// exactly: what the issuer calls this API. Required: at least one. Without
	// it a refresh token would pass, since servers call these active too.
	Audience []string

	// InsecureAudienceNotSent accepts answers without aud, for a server that
	// never sends it: every token of the server then opens this API, whoever
	// it was made for. An aud that is sent is checked all the same.
	InsecureAudienceNotSent bool

	// JWTs asks about signed JWTs too. Default: they are not recognized, so
	// that a JWT of somebody else is sent to nobody; see [Verifier.TakingJWTs].
	// Encrypted ones are opaque, and always asked about.
	JWTs bool

	// Accept reports whether a token looks like one of the issuer's opaque
	// tokens, by its length, prefix or characters. The issuer is not asked
	// about other tokens: they are not recognized. A good Accept keeps junk
	// from the endpoint. It must be fast, and must not keep the token.
	// Default: the issuer is asked about every token that is no JWT.
	Accept func(token string) bool

	// Signed demands signed answers (RFC 9701). Default: plain JSON.
	Signed *Signed

	// Leeway is how far the server's clock may be off, for exp, nbf and iat.
	// Default: 5 s. At most 5 min.
	Leeway time.Duration

	// Timeout is what a request to the endpoint may take in all, with what it
	// takes to discover and to authenticate. Default: 5 s; there is always one.
	Timeout time.Duration

	// MaxConcurrent is how many requests are made at the same time; a few more
	// wait for a moment, and all others are answered "cannot tell" at once.
	// Default: 64; there is always a bound.
	MaxConcurrent int

	// MaxAge is how long the answer "active" is believed, and so how long a
	// revoked token may live on; never beyond its exp. A token that is in use
	// is asked about again before that, in the background. Default: 1 min.
	// Negative: each request is asked about, or joins a question about its
	// token that is under way.
	MaxAge time.Duration

	// NegativeAge is how long "not active" is believed. Default: 10 s.
	NegativeAge time.Duration

	// ServeStale is how much longer than MaxAge an answer is believed while
	// the endpoint is out of reach; never beyond its exp. Default: none.
	ServeStale time.Duration

	// CacheEntries and CacheBytes bound what is kept. Default: 10,000 entries
	// and 32 MiB; there are always bounds.
	CacheEntries, CacheBytes int

	// Shared is a cache that the program's instances have in common. Default:
	// each has its own alone.
	Shared SharedCache

	// SharedSecret encrypts what is put into Shared, beside Auth's own secret:
	// at least 32 random bytes, the same in all instances. Required with Shared
	// if Auth has no secret, as of MutualTLS and BearerToken: otherwise whoever
	// writes into Shared could forge answers, and two clients that are told
	// different things could share them. Default: none.
	SharedSecret []byte

	// Client makes the requests. Its cookie jar is not used, and no redirect
	// is followed. After a timeout the idle connections of its Transport are
	// closed, so that dead ones are replaced; a RoundTripper that wraps a
	// Transport should have CloseIdleConnections for that. Default: a client
	// of the verifier's own, which also finds dead connections by HTTP/2 pings.
	Client *http.Client

	// InsecureAllowHTTP accepts http URLs on hosts that are not loopback.
	InsecureAllowHTTP bool

	// Logger is told when the endpoint or the shared cache fails and works again,
	// when the endpoint does not answer about a token, and once for each claim
	// that is malformed.
	// Default: silence.
	Logger *slog.Logger
}

const (
	maxLeeway       = 5 * time.Minute
	minSharedSecret = 32
)

// New builds a Verifier. It does no network. All mistakes of the configuration
// are reported at once. [Verifier.Close] ends what New started.
func New(c Config) (*Verifier, error) {
	var errs []error
	mistake := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("introspect: Config."+format, args...))
	}
	if err := c.checkIssuer(); err != nil {
		mistake("%w", err)
	}
	if c.Endpoint != "" {
		if _, err := fetch.CheckURL(c.Endpoint, c.InsecureAllowHTTP); err != nil {
			mistake("Endpoint: %w", err)
		}
	}
	if err := c.Auth.check(); err != nil {
		mistake("Auth: %w", err)
	}
	switch n := len(c.SharedSecret); {
	case n > 0 && n < minSharedSecret:
		mistake("SharedSecret has %d bytes; want at least %d random ones", n, minSharedSecret)
	case n == 0 && c.Shared != nil && c.Auth.check() == nil && c.Auth.secret == nil:
		mistake("SharedSecret is empty; want one, since Shared is set and this Auth has no secret")
	}
	if len(c.Audience) == 0 && !c.InsecureAudienceNotSent {
		mistake("Audience is empty; want what the issuer puts into aud for this API")
	}
	if slices.Contains(c.Audience, "") {
		mistake("Audience has an empty value")
	}
	for n, audience := range c.Audience {
		if err := weburl.CheckAudience(audience); err != nil && audience != "" {
			mistake("Audience[%d] %q: %w", n, audience, err)
		}
	}
	if c.Shared != nil && nilcheck.IsNil(c.Shared) {
		mistake("Shared holds a nil pointer; leave it out for a cache of this instance alone")
	}
	if c.Leeway > maxLeeway {
		mistake("Leeway is %v; want at most %v", c.Leeway, maxLeeway)
	}
	for _, bound := range [...]struct {
		name string
		n    int64
	}{
		{"Timeout", int64(c.Timeout)}, {"MaxConcurrent", int64(c.MaxConcurrent)},
		{"CacheEntries", int64(c.CacheEntries)}, {"CacheBytes", int64(c.CacheBytes)},
	} {
		if bound.n < 0 {
			mistake("%s is negative; there must be a bound, zero is the default", bound.name)
		}
	}
	if c.Signed != nil {
		if err := c.Signed.check(c.InsecureAllowHTTP); err != nil {
			mistake("Signed.%w", err)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	c.Audience = slices.Clone(c.Audience)
	c.SharedSecret = slices.Clone(c.SharedSecret)
	c.Leeway = setting.OrDefault(c.Leeway, 5*time.Second)
	c.Timeout = setting.OrDefault(c.Timeout, 5*time.Second)
	c.MaxConcurrent = setting.OrDefault(c.MaxConcurrent, 64)
	c.MaxAge = setting.OrDefault(c.MaxAge, time.Minute)
	c.NegativeAge = setting.OrDefault(c.NegativeAge, 10*time.Second)
	c.ServeStale = max(c.ServeStale, 0)
	c.CacheEntries = setting.OrDefault(c.CacheEntries, 10_000)
	c.CacheBytes = setting.OrDefault(c.CacheBytes, 32<<20)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return newVerifier(c)
}

func (c *Config) checkIssuer() error {
	u, err := fetch.CheckURL(c.Issuer, c.InsecureAllowHTTP)
	query := err == nil && (u.RawQuery != "" || u.ForceQuery)
	switch {
	case err == nil && !query:
		return nil
	case c.AllowNonHTTPSIdentifier:
		if err := fetch.CheckIdentifier(c.Issuer); err != nil {
			return fmt.Errorf("Issuer: %w", err)
		}
		if c.Endpoint == "" {
			return fmt.Errorf("Endpoint is empty; want its URL, which the Issuer %q does not say", c.Issuer)
		}
		if c.Signed != nil && c.Signed.JWKSURI == "" {
			return fmt.Errorf("Signed.JWKSURI is empty; want the URL of the keys, which the Issuer %q does not say", c.Issuer)
		}
		return nil
	case query:
		return fmt.Errorf("Issuer %q has a query; want none (RFC 8414, Section 2)", fetch.Redact(c.Issuer))
	case c.Issuer == "":
		return fmt.Errorf("Issuer: %w", err)
	}
	return fmt.Errorf("Issuer: %w; if the server calls itself so, set AllowNonHTTPSIdentifier and Endpoint", err)
}

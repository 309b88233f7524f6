package introspect

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/internal/setting"
)

// The defaults of [Config], whose fields name them.
const (
	defaultLeeway        = 5 * time.Second
	defaultTimeout       = 5 * time.Second
	defaultMaxConcurrent = 64
	defaultMaxAge        = time.Minute
	defaultNegativeAge   = 10 * time.Second
	defaultCacheEntries  = 10_000
	defaultCacheBytes    = 32 << 20
)

// Config configures a [Verifier]. For a duration or a size, zero selects the
// default and a negative value means none, unless the field says otherwise.
type Config struct {
	// Issuer is the issuer identifier of the authorization server that the
	// endpoint belongs to. An answer with another iss is refused; an answer
	// without iss counts as this issuer's. The verifier fetches nothing from
	// Issuer, unless it has to discover a URL that is not configured. Required.
	Issuer string

	// AllowNonHTTPSIdentifier allows an Issuer that is an http URL or a name,
	// for a server that puts such an identifier into iss. Endpoint and
	// Signed.JWKSURI are then required. They must still be https URLs, so this
	// setting weakens no request.
	AllowNonHTTPSIdentifier bool

	// Endpoint is the URL of the introspection endpoint. Default: the
	// introspection_endpoint of the issuer's metadata (RFC 8414).
	Endpoint string

	// Auth is how the verifier authenticates at the endpoint. Required.
	Auth Auth

	// Audience lists the names that the issuer uses for this API. The aud of
	// an answer must contain one of them, compared exactly. Without this check
	// a refresh token would pass, because servers call these active too.
	// Required: at least one.
	Audience []string

	// InsecureAudienceNotSent accepts answers without aud, for a server that
	// never sends it. Every token of the server then opens this API, whichever
	// API it was issued for. An aud that is sent is checked nevertheless.
	InsecureAudienceNotSent bool

	// Roles are JSON pointers (RFC 6901) to the caller's roles in the answer, as
	// jwks.Profile.Roles are in a JWT; for Keycloak: jwks.Keycloak().Roles.
	// Default: /roles. An empty list that is not nil reads no roles.
	Roles []string

	// JWTs also introspects signed JWTs. Default: they are not recognized, so
	// no JWT of another issuer reaches the endpoint; see
	// [Verifier.TakingJWTs]. Encrypted JWTs are opaque and are always
	// introspected.
	JWTs bool

	// Accept reports whether a token looks like an opaque token of the issuer,
	// by its length, prefix or characters. Other tokens are not recognized and
	// cause no request, so a good Accept keeps junk from the endpoint. Accept
	// must be fast and must not keep the token. Default: every token that is
	// not a JWT is introspected.
	Accept func(token string) bool

	// Signed requires signed answers (RFC 9701). Default: plain JSON.
	Signed *Signed

	// Leeway is how far the server's clock may differ, for exp, nbf and iat.
	// Default: 5 s. At most 5 min.
	Leeway time.Duration

	// Timeout bounds a request to the endpoint, including discovery and
	// authentication. Default: 5 s. It cannot be negative.
	Timeout time.Duration

	// MaxConcurrent bounds the requests to the endpoint that are under way. Up
	// to four times as many tokens wait for half a second at most; any more are
	// unavailable at once. Default: 64. It cannot be negative.
	MaxConcurrent int

	// MaxAge is how long the answer "active" is cached, but never beyond the
	// token's exp. A revoked token may be accepted for that long. A token in
	// use is introspected again in the background before its answer expires.
	// Default: 1 min. Negative: every request is introspected, or joins an
	// introspection of the same token that is under way.
	MaxAge time.Duration

	// NegativeAge is how long the answer "not active" is cached. Default: 10 s.
	NegativeAge time.Duration

	// ServeStale is how long an answer is used beyond MaxAge while the endpoint
	// fails, but never beyond the token's exp. Default: none.
	ServeStale time.Duration

	// CacheEntries and CacheBytes bound the cache. Default: 10,000 entries and
	// 32 MiB. They cannot be negative.
	CacheEntries, CacheBytes int

	// Shared is a cache that all instances of the program share. Default: each
	// instance has only its own.
	Shared SharedCache

	// SharedSecret encrypts the entries of Shared, in addition to the secret of
	// Auth: at least 32 random bytes, equal in all instances. Required with
	// Shared if Auth has no secret (MutualTLS and BearerToken). Without any
	// secret, anyone with write access to Shared could forge answers, and two
	// clients with different rights could read each other's. Default: none.
	SharedSecret []byte

	// Client makes the requests. Its cookie jar is not used, and no redirect
	// is followed. After a timeout the idle connections of its Transport are
	// closed, to replace dead ones. A RoundTripper that wraps a Transport
	// should therefore have a CloseIdleConnections method. Default: the
	// verifier's own client, which also detects dead connections by HTTP/2
	// pings.
	Client *http.Client

	// InsecureAllowHTTP accepts http URLs with hosts that are not loopback.
	InsecureAllowHTTP bool

	// Logger receives a record when the endpoint or the shared cache fails and
	// when it recovers, when the endpoint fails for single tokens, and once
	// for each claim that is malformed. Default: no logging.
	Logger *slog.Logger

	// OnRequest is called after each introspection, for metrics and traces, in
	// the goroutine that made it. It must return quickly, since the token's
	// answer waits for it. A panic is logged. The context carries
	// the values of a request's context that waits or waited for the answer, so
	// it knows that request's span; of a probe, it carries none. Default: nothing
	// is called.
	OnRequest func(context.Context, Request)
}

// Request describes an introspection; see [Config.OnRequest].
type Request struct {
	Issuer string // [Config.Issuer]
	URL    string // [Config.Endpoint], or Issuer if it is discovered; without userinfo and query
	Probe  bool   // about a random token, to find out whether the endpoint works
	Began  time.Time
	Took   time.Duration
	Err    error // nil: the endpoint has answered
}

// New returns a Verifier. It makes no request, and reports all mistakes in the
// configuration at once. Call [Verifier.Close] to end what New starts.
func New(c Config) (*Verifier, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	return newVerifier(c.withDefaults()), nil
}

// withDefaults returns c with the default of each field that is not set.
func (c Config) withDefaults() Config {
	c.Audience = slices.Clone(c.Audience)
	c.Roles = slices.Clone(c.Roles)
	if c.Roles == nil {
		c.Roles = claims.DefaultRoles
	}
	c.SharedSecret = slices.Clone(c.SharedSecret)
	c.Leeway = setting.OrDefault(c.Leeway, defaultLeeway)
	c.Timeout = setting.OrDefault(c.Timeout, defaultTimeout)
	c.MaxConcurrent = setting.OrDefault(c.MaxConcurrent, defaultMaxConcurrent)
	c.MaxAge = setting.OrDefault(c.MaxAge, defaultMaxAge)
	c.NegativeAge = setting.OrDefault(c.NegativeAge, defaultNegativeAge)
	c.ServeStale = setting.OrDefault(c.ServeStale, 0)
	c.CacheEntries = setting.OrDefault(c.CacheEntries, defaultCacheEntries)
	c.CacheBytes = setting.OrDefault(c.CacheBytes, defaultCacheBytes)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

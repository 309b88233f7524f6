package jwks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// Config configures a [Verifier].
type Config struct {
	// Issuers are the authorization servers whose tokens are accepted.
	// Required: at least one, unless Resolve is set.
	Issuers []Issuer

	// Resolve finds an issuer that Issuers does not list, when its first token
	// comes, for example in a table of tenants. iss is the token's claim. Nothing
	// about the token is proven yet, so anybody can choose iss. Resolve returns:
	//
	//   - the Issuer, whose URL must be equal to iss. Nothing is fetched from any
	//     place that the Issuer does not name or imply;
	//   - [bearer.ErrUnrecognized] (errors.Is) if tokens of this issuer are not
	//     accepted here. The verifier then recognizes no token of iss for the
	//     time UnknownFor;
	//   - any other error if it cannot tell. A mistake in the Issuer counts as
	//     such an error, and so does a panic. Tokens of iss are then answered
	//     503, and Resolve is asked again after 2 s.
	//
	// Return the same Client for an issuer each time: with another one, the keys
	// are fetched again after each Reconfigure. The verifier closes the idle
	// connections of a Client that Resolve returned when it is no longer used.
	// Resolve is called for one iss once at a time, for at most 32 at a time, and for no iss that is longer
	// than 2 KiB or contains invisible characters. It must return when ctx is
	// done: after 5 s, or when the configuration is replaced or closed. ctx is
	// not the context of a request, because requests share the call.
	//
	// The answer holds until the issuer has been idle for ResolvedIdle, or is
	// evicted, or [Verifier.Reconfigure] is called. An issuer's keys are fetched
	// when its first token comes, and refreshed only while tokens come. After a
	// pause, a token waits until its issuer's keys are refreshed, at most 9 s.
	// Default: none.
	Resolve func(ctx context.Context, iss string) (Issuer, error)

	// MaxResolved bounds the issuers of Resolve that are live. If another one
	// proves a token, the one whose last good token is oldest is evicted. The
	// issuers that have not proven a token yet do not count: there are at most
	// 64, they evict only each other, and at most 100 a second are admitted after
	// a burst of 200. Other tokens of new issuers are answered 503 meanwhile.
	// Default: 1,000.
	MaxResolved int

	// ResolvedIdle is how long an issuer of Resolve stays live without a good
	// token. Default: 1 h.
	ResolvedIdle time.Duration

	// UnknownFor is how long an issuer that Resolve does not know is remembered
	// as unknown. At most 10,000 are remembered. Default: 1 min.
	UnknownFor time.Duration

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

	// Client fetches metadata and keys of issuers without an Issuer.Client. Its
	// cookie jar is not used, and it follows redirects only within an origin.
	// After a timeout, the idle connections of its Transport are closed, so that
	// dead ones are replaced; a RoundTripper that wraps a Transport needs a
	// CloseIdleConnections method for that. Default: a client that also detects
	// dead connections by HTTP/2 pings.
	Client *http.Client

	// Logger records failed fetches, recoveries and skipped keys. It also
	// records, once per claim, that an issuer sends a malformed claim, which is
	// read as absent. Default: no log.
	Logger *slog.Logger

	// OnFetch is called after each fetch of metadata or keys over HTTP, for
	// metrics and traces. No token waits for it, but the next fetch from the
	// issuer does, so it must return quickly, and must not call Verify,
	// Reconfigure or Close. A panic is logged. Default: nothing is called.
	OnFetch func(Fetch)
}

// The defaults of [Config]. Package keysource has the defaults of RefreshBudget and
// MaxStale.
const (
	defaultLeeway       = 5 * time.Second
	maxLeeway           = 5 * time.Minute
	defaultCacheEntries = 10_000
	defaultCacheBytes   = 32 << 20
	defaultMaxResolved  = 1000
	defaultResolvedIdle = time.Hour
	defaultUnknownFor   = time.Minute
)

// New returns a Verifier and starts to fetch its issuers' keys in the
// background. It does not wait for them, but it reads the files of
// [KeysFromFile]. The error reports all mistakes in the configuration. Call
// [Verifier.Close] to stop the background work.
func New(c Config) (*Verifier, error) {
	v := &Verifier{profiles: newProfiles(), events: newEventChecks()}
	v.current.Store(new(snapshot))
	next, err := v.compile(c)
	if err != nil {
		return nil, err
	}
	v.replace(next)
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
	}{
		{"RefreshBudget", c.RefreshBudget}, {"MaxStale", c.MaxStale},
		{"ResolvedIdle", c.ResolvedIdle}, {"UnknownFor", c.UnknownFor},
	} {
		if d.value < 0 {
			errs = append(errs, fmt.Errorf("jwks: Config.%s is %v; want a positive duration", d.name, d.value))
		}
	}
	if c.MaxResolved < 0 {
		errs = append(errs, fmt.Errorf("jwks: Config.MaxResolved is %d; want a positive number", c.MaxResolved))
	}
	if len(c.Issuers) == 0 && c.Resolve == nil {
		errs = append(errs, errors.New("jwks: Config.Issuers is empty; want at least one, or Config.Resolve"))
	}
	return errors.Join(errs...)
}

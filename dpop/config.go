package dpop

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/nilcheck"
	"github.com/bearerkit/bearerkit/internal/setting"
)

// Config configures a [Checker]. Of a duration, zero is the default and
// negative is none, unless it says otherwise.
type Config struct {
	// Origin is the API's origin as its clients see it, such as
	// https://api.example.com: scheme, host and, if it is not the scheme's
	// own, port. http is for loopback hosts, unless InsecureAllowHTTP says
	// otherwise. Required. It stands for the request's Host and X-Forwarded
	// fields, none of which is looked at.
	Origin string

	// Path returns the path that the client asked for, percent-encoded as it
	// was sent and without a query, where something in front of the API has
	// changed it: a proxy that strips a prefix, say. An empty string refuses
	// the proof. Default: the path of the request line, whatever middleware
	// has made of the URL since.
	Path func(*http.Request) string

	// Algorithms are those that proofs may be signed with, all asymmetric.
	// EdDSA and Ed25519 are two names of one, and either stands for both.
	// Default: ES256, ES384, RS256, PS256 and EdDSA.
	Algorithms []string

	// MaxAge is how old a proof may be, by its iat, and so for how long used
	// ones are remembered. Default: 60 s. At most 5 min; there is always a
	// bound.
	MaxAge time.Duration

	// MaxAhead is how far a proof's iat may be in the future, for clients
	// whose clock is ahead. Default: 5 s. At most 5 min. No leeway stretches
	// it, nor MaxAge.
	MaxAhead time.Duration

	// Replays remembers the proofs that were used. Instances of a program
	// must share one, or a proof is good once at each of them. Default: a
	// [MemoryReplays] of the checker's own that holds 5,000 proofs a second.
	Replays ReplayStore

	// Nonces are demanded of every proof if they are there (RFC 9449, Section
	// 9). Default: none are.
	Nonces *Nonces

	// InsecureAllowHTTP accepts an http Origin on a host that is not loopback,
	// such as a service name in a container network: anybody on the path can
	// read tokens and proofs.
	InsecureAllowHTTP bool

	// Logger is told when used proofs cannot be remembered, and when the clock was set back. Default: silence.
	Logger *slog.Logger
}

const (
	defaultMaxAge   = 60 * time.Second
	defaultMaxAhead = 5 * time.Second
	maxWindow       = 5 * time.Minute

	// clockDifference is how much the clocks of instances that share a store
	// may differ: by so much longer than it is accepted a proof is remembered.
	clockDifference = 5 * time.Second

	// defaultRate is how many proofs a second the default store holds.
	defaultRate = 5000
)

// New builds a Checker. It does no network. All mistakes of the configuration
// are reported at once.
func New(c Config) (*Checker, error) {
	var errs []error
	mistake := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("dpop: Config."+format, args...))
	}
	origin, err := parseOrigin(c.Origin, c.InsecureAllowHTTP)
	if err != nil {
		mistake("Origin: %w", err)
	}
	algorithms, err := parseAlgorithms(c.Algorithms)
	if err != nil {
		mistake("Algorithms: %w", err)
	}
	if c.MaxAge < 0 {
		mistake("MaxAge is negative; there must be a bound, zero is the default")
	}
	for _, d := range [...]struct {
		name  string
		value time.Duration
	}{{"MaxAge", c.MaxAge}, {"MaxAhead", c.MaxAhead}} {
		if d.value > maxWindow {
			mistake("%s is %v; want at most %v", d.name, d.value, maxWindow)
		}
	}
	if c.Replays != nil && nilcheck.IsNil(c.Replays) {
		mistake("Replays is a nil %T; want one that was built, or nil for the default", c.Replays)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	c.MaxAge = setting.OrDefault(c.MaxAge, defaultMaxAge)
	c.MaxAhead = setting.OrDefault(c.MaxAhead, defaultMaxAhead)
	if c.Replays == nil {
		window := c.MaxAge + c.MaxAhead + clockDifference + bucketWidth
		c.Replays, err = NewMemoryReplays(MemoryConfig{Capacity: int(defaultRate * window.Seconds())})
		if err != nil {
			return nil, err
		}
	}
	if c.Path == nil {
		c.Path = requestPath
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return newChecker(c, origin, algorithms), nil
}

// parseOrigin returns an origin normalized, without a slash at its end.
func parseOrigin(origin string, insecureHTTP bool) (string, error) {
	if origin == "" {
		return "", errors.New("it is empty; want the API's own, such as https://api.example.com")
	}
	u, err := fetch.CheckURL(origin, insecureHTTP)
	if err != nil {
		return "", err
	}
	if u.Path != "" || u.RawQuery != "" || u.ForceQuery {
		return "", fmt.Errorf("%q has more than scheme, host and port; want %s://%s", fetch.Redact(origin), u.Scheme, u.Host)
	}
	normalized, err := normalizeURI(origin)
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(normalized, "/"), nil
}

func parseAlgorithms(names []string) ([]jose.Algorithm, error) {
	if len(names) == 0 {
		return []jose.Algorithm{jose.ES256, jose.ES384, jose.RS256, jose.PS256, jose.EdDSA, jose.Ed25519}, nil
	}
	var algorithms []jose.Algorithm
	var errs []error
	for _, name := range names {
		alg := jose.Algorithm(name)
		switch {
		case !alg.Supported():
			errs = append(errs, fmt.Errorf("%q is none of %v", name, jose.Algorithms()))
		case slices.Contains(algorithms, alg):
		case alg == jose.EdDSA || alg == jose.Ed25519:
			algorithms = append(algorithms, jose.EdDSA, jose.Ed25519)
		default:
			algorithms = append(algorithms, alg)
		}
	}
	return algorithms, errors.Join(errs...)
}

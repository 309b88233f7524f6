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

// Config configures a [Checker]. A zero duration means the default and a
// negative one means none, unless the field says otherwise.
type Config struct {
	// Origin is the API's origin as clients see it, such as
	// https://api.example.com: scheme, host and, unless it is the scheme's
	// default, port. Required. http is allowed only for loopback hosts, unless
	// InsecureAllowHTTP is set. The checker uses Origin instead of the
	// request's Host and X-Forwarded headers, which it ignores.
	Origin string

	// Path returns the path that the client requested, percent-encoded as it
	// was sent and without the query. Set it if something in front of the API
	// changes the path, such as a proxy that strips a prefix. If Path returns
	// "", the proof is rejected. Default: the path of the request line, even if
	// middleware has changed the request's URL.
	Path func(*http.Request) string

	// Algorithms lists the algorithms that proofs may be signed with. All must
	// be asymmetric. EdDSA and Ed25519 name the same algorithm, and either
	// allows both. Default: ES256, ES384, RS256, PS256 and EdDSA.
	Algorithms []string

	// MaxAge is the maximum age of a proof, by its iat. Used proofs are
	// remembered for about as long. Default: 60 s. Maximum: 5 min. It must not
	// be negative.
	MaxAge time.Duration

	// MaxAhead is how far in the future a proof's iat may be, for clients whose
	// clock is ahead. Default: 5 s. Maximum: 5 min. No other leeway is added to
	// MaxAge or MaxAhead.
	MaxAhead time.Duration

	// Replays remembers used proofs. All instances of a program must share one
	// store; otherwise each instance accepts a proof once. Default: a new
	// [MemoryReplays] with room for 5,000 proofs a second.
	Replays ReplayStore

	// Nonces requires a nonce from the server in every proof (RFC 9449, Section
	// 9). Default: nil, proofs need no nonce.
	Nonces *Nonces

	// InsecureAllowHTTP allows an http Origin with a host that is not loopback,
	// such as a service name in a container network. Anyone on the network path
	// can then read tokens and proofs.
	InsecureAllowHTTP bool

	// Logger records that used proofs cannot be remembered, or that the clock
	// was set back. Default: nil, no logging.
	Logger *slog.Logger
}

const (
	defaultMaxAge   = 60 * time.Second
	defaultMaxAhead = 5 * time.Second
	maxWindow       = 5 * time.Minute

	// clockDifference is how far the clocks of instances that share a store may
	// differ. A proof is remembered for that much longer than it is accepted.
	clockDifference = 5 * time.Second

	// defaultRate is the number of proofs a second that the default store
	// holds.
	defaultRate = 5000
)

// New returns a Checker. It reports all mistakes in the configuration at once
// and does not use the network.
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
		mistake("MaxAge is %v; want a positive duration, or zero for the default", c.MaxAge)
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
		mistake("Replays is a nil %T; want a usable store, or nil for the default", c.Replays)
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

// parseOrigin returns the normalized origin, without a trailing slash.
func parseOrigin(origin string, insecureHTTP bool) (string, error) {
	if origin == "" {
		return "", errors.New("empty; want the API's own origin, such as https://api.example.com")
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
			errs = append(errs, fmt.Errorf("%q is not supported; want one of %v", name, jose.Algorithms()))
		case slices.Contains(algorithms, alg):
		case alg == jose.EdDSA || alg == jose.Ed25519:
			algorithms = append(algorithms, jose.EdDSA, jose.Ed25519)
		default:
			algorithms = append(algorithms, alg)
		}
	}
	return algorithms, errors.Join(errs...)
}

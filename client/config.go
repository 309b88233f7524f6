package client

import (
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/bearerkit/bearerkit/internal/nilcheck"
	"github.com/bearerkit/bearerkit/internal/setting"
)

// Config configures a [Transport].
type Config struct {
	// Tokens provides the tokens. Required.
	Tokens Source

	// Resource is the URL of the API, such as https://api.example.com/v1, and its
	// identifier for the source (RFC 8707). Only requests to this URL and to paths
	// below it get a token; all others, such as those after a redirect to another
	// host, go out as they are. http is allowed only for loopback hosts, unless
	// InsecureAllowHTTP is set. Required.
	Resource string

	// Base sends the requests. Default: http.DefaultTransport.
	Base http.RoundTripper

	// Key signs DPoP proofs (RFC 9449), and the source must request tokens that are
	// bound to it. It is an ECDSA key (P-256 or P-384), an RSA key of at least 2048
	// bits or an Ed25519 key. Tokens of type Bearer are then refused. Default: nil,
	// and tokens of type DPoP are refused.
	Key crypto.Signer

	// MaxWait is how long a request waits because the API asks for it by Retry-After,
	// with 429 or 503. If the API asks for more, or if the request's context ends
	// before, the request fails at once. Default: 10 s. Negative: none.
	MaxWait time.Duration

	// AllowScope reports whether the API may cause a request for the scope with this
	// name: by a challenge, or by its metadata if a [Login] is the source. Set it if
	// the authorization server ignores the resource parameter and also serves other
	// APIs: otherwise this API could ask for a scope of theirs, and use the token
	// there. Default: nil, any scope, at most 64 in all.
	AllowScope func(name string) bool

	// InsecureAllowHTTP allows an http Resource with a host that is not loopback.
	// Anyone on the network path can then read the tokens.
	InsecureAllowHTTP bool

	// Logger records each token that is replaced, and each wait, at level DEBUG. No
	// record contains a token. Default: nil, no logging.
	Logger *slog.Logger
}

// defaultMaxWait is the default of Config.MaxWait.
const defaultMaxWait = 10 * time.Second

// New returns a Transport. It reports all mistakes in the configuration at once
// and does not use the network.
func New(c Config) (*Transport, error) {
	var errs []error
	if nilcheck.IsNil(c.Tokens) {
		errs = append(errs, errors.New("client: Config.Tokens is nil; want a source of tokens, such as FromTokenSource"))
	}
	resource, err := parseResource(c.Resource, c.InsecureAllowHTTP)
	if err != nil {
		errs = append(errs, fmt.Errorf("client: Config.Resource: %w", err))
	}
	key, err := newProver("Config.Key", c.Key)
	if err != nil {
		errs = append(errs, err)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	c.MaxWait = setting.OrDefault(c.MaxWait, defaultMaxWait)
	if nilcheck.IsNil(c.Base) {
		c.Base = http.DefaultTransport
	}
	_, perRequest := c.Tokens.(ContextSource)
	t := &Transport{config: c, resource: resource, prover: key, log: c.Logger, perRequest: perRequest}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	t.shared = &vault{transport: t}
	return t, nil
}

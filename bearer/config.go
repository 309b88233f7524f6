package bearer

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/internal/nilcheck"
	"github.com/bearerkit/bearerkit/internal/weburl"
	"github.com/bearerkit/bearerkit/scope"
)

const (
	defaultRealm         = "api"
	defaultMaxTokenBytes = 16 << 10
	defaultRetryAfter    = 5 * time.Second
)

// Config configures a [Guard]: the settings that all routes of an API share.
type Config struct {
	// Verifiers judge tokens. The guard asks them in this order. Required: at
	// least one.
	Verifiers []Verifier

	// Realm is the realm in challenges (RFC 9110, Section 11.5), in printable
	// ASCII. Default: "api".
	Realm string

	// ResourceMetadata is the URL of the API's protected resource metadata.
	// Challenges carry it as resource_metadata (RFC 9728, Section 5.1). It must
	// be an https URL, or an http URL on a loopback host. Default: challenges
	// have no such parameter.
	ResourceMetadata string

	// InsecureAllowHTTP accepts an http ResourceMetadata on any host, such as a
	// service name in a container network. Default: off.
	InsecureAllowHTTP bool

	// Hierarchy defines which scopes imply others. Default: none.
	Hierarchy scope.Hierarchy

	// Proofs checks DPoP proofs (RFC 9449); use a dpop.Checker. With Proofs
	// set, the guard accepts key-bound tokens, but only under the DPoP scheme.
	// Default: the guard ignores credentials under the DPoP scheme and rejects
	// key-bound tokens.
	Proofs ProofChecker

	// ProofsRequired accepts tokens only under the DPoP scheme. Default: tokens
	// that are not bound to a key are also accepted under Bearer.
	ProofsRequired bool

	// Certificates defines where the guard finds the client certificates to
	// which tokens may be bound (RFC 8705). Default: certificate-bound tokens
	// are rejected.
	Certificates *Certificates

	// BoundTokensOnly rejects tokens that are bound to neither a key nor a
	// certificate. Default: off.
	BoundTokensOnly bool

	// DenyList rejects tokens that their verifier accepts. Default: no token is
	// denied.
	DenyList DenyList

	// MaxTokenAge rejects tokens issued (iat) longer ago than this, and tokens
	// without iat. It bounds how long a revoked JWT stays usable. Default: only
	// exp limits the age.
	MaxTokenAge time.Duration

	// MaxTokenBytes is the maximum length of an access token in bytes. The guard
	// answers 431 to a longer one (RFC 6585, Section 5) before any code inspects
	// it, since a new token of the same kind would be as long. The server's
	// http.Server.MaxHeaderBytes (1 MiB for all fields together by default) and
	// proxies (often 8 KiB) set limits of their own. It cannot be negative.
	// Default: 16 KiB.
	MaxTokenBytes int

	// FailureLimit limits how many bad tokens a client address may send.
	// Default: no limit.
	FailureLimit *FailureLimit

	// Sources are the places in which a request may carry its token. The guard
	// reads them in this order, and rejects a request that has tokens in more
	// than one. The admitted responses to tokens outside Authorization get
	// Cache-Control: private, unless it is private or no-store already. Default:
	// the Authorization field alone.
	Sources []TokenSource

	// CrossOrigin judges requests whose token is in a cookie or in a field of a
	// proxy, where browsers send it by themselves. The guard calls its method
	// Check, also for WebSocket handshakes, and answers 403 without a challenge
	// if Check fails. Add the origins of pages that may use the API with
	// AddTrustedOrigin. A pattern of AddInsecureBypassPattern exempts
	// handshakes only if it has no method. Default: only pages of the API's own
	// origin, and programs that are not browsers.
	CrossOrigin *http.CrossOriginProtection

	// InsecurePassPreflights passes CORS preflights (OPTIONS with Origin and
	// Access-Control-Request-Method) to the handler without credentials.
	// Default: off, and the guard judges a preflight like any other request.
	// Wrap the guard in CORS middleware, which answers preflights first.
	InsecurePassPreflights bool

	// ProblemJSON always answers refusals as application/problem+json (RFC
	// 9457). Default: only if the request's Accept field asks for it.
	ProblemJSON bool

	// ErrorBody returns the body of a refusal and its media type, for an API
	// with an error format of its own. If the media type is empty or not
	// printable ASCII, the guard writes its own body. Everything else stays the
	// guard's: the status, the challenges, all other header fields, the log
	// record and the event. ErrorBody is called in the request's goroutine. The
	// request is not admitted, so it says nothing reliable about the caller.
	// Default: the guard's JSON.
	ErrorBody func(*http.Request, PublicError) (mediaType string, body []byte)

	// RetryAfter is the Retry-After of a 503 for which the verifier has no
	// better value. It is rounded up to whole seconds. Default: 5 s.
	RetryAfter time.Duration

	// RequestID returns the ID that identifies a request in the answer's body
	// and in the log. Default: a random ID, which also replaces an ID that is
	// not 1 to 128 letters, digits or characters of -._~:/+=@
	RequestID func(*http.Request) string

	// Logger receives one record for each refusal. Default: no logging.
	Logger *slog.Logger

	// OnAdmit is called for each request that the guard admits, before the
	// handler and in the request's goroutine. It receives the same request as
	// the handler: [FromContext] returns the principal, or false for an
	// anonymous request. If a request passes several routes of the guard,
	// OnAdmit is called once, by the first. An inner route may still refuse the
	// request, and then OnRefusal is called as well. An outer handler that needs
	// the final outcome uses [WithOutcome]. Default: nothing is called.
	OnAdmit func(*http.Request)

	// OnRefusal is called for each refusal, before the answer is written and in
	// the request's goroutine. Default: nothing is called.
	OnRefusal func(*http.Request, Event)

	// OnDecision is called whenever OnAdmit or OnRefusal would be, before them,
	// with the decision and how long it took, in the request's goroutine, so it
	// must return quickly. It is for metrics and traces:
	// unlike an Event, the error of the decision is not cleaned, so a log must
	// not contain it. Default: nothing is called, and no time is measured.
	OnDecision func(*http.Request, Decision, time.Duration)
}

func (c Config) withDefaults() Config {
	c.Realm = cmp.Or(c.Realm, defaultRealm)
	c.MaxTokenBytes = cmp.Or(c.MaxTokenBytes, defaultMaxTokenBytes)
	c.RetryAfter = cmp.Or(c.RetryAfter, defaultRetryAfter)
	if len(c.Sources) == 0 {
		c.Sources = []TokenSource{FromAuthorization()}
	}
	return c
}

// validate reports all mistakes of a Config with its defaults.
func (c *Config) validate() error {
	var errs mistakes
	if len(c.Verifiers) == 0 {
		errs.add("Verifiers is empty; want at least one, such as a jwks.Verifier")
	}
	for i, v := range c.Verifiers {
		if nilcheck.IsNil(v) {
			errs.add("Verifiers[%d] is nil", i)
		}
	}
	if !isQuotable(c.Realm) {
		errs.add("Realm %q contains a character that is not printable ASCII", c.Realm)
	}
	if c.ResourceMetadata != "" {
		if err := checkMetadataURL(c.ResourceMetadata, c.InsecureAllowHTTP); err != nil {
			errs.add("ResourceMetadata %q: %w", weburl.Redact(c.ResourceMetadata), err)
		}
	}
	if c.DenyList != nil && nilcheck.IsNil(c.DenyList) {
		errs.add("DenyList contains a nil pointer; leave it unset to deny no tokens")
	}
	if c.MaxTokenAge < 0 {
		errs.add("MaxTokenAge is %v; want a positive duration", c.MaxTokenAge)
	}
	if c.MaxTokenBytes < 0 {
		errs.add("MaxTokenBytes is %d; want a positive number of bytes, or zero for %d", c.MaxTokenBytes, defaultMaxTokenBytes)
	}
	if c.FailureLimit != nil {
		if err := c.FailureLimit.validate(); err != nil {
			errs.add("FailureLimit: %w", err)
		}
	}
	if c.RetryAfter < 0 {
		errs.add("RetryAfter is %v; want a positive duration", c.RetryAfter)
	}
	c.validateBinding(&errs)
	c.validateSources(&errs)
	return errors.Join(errs...)
}

func (c *Config) validateBinding(errs *mistakes) {
	if c.Proofs != nil && nilcheck.IsNil(c.Proofs) {
		errs.add("Proofs contains a nil pointer; leave it unset to check no proofs")
	} else if c.Proofs != nil {
		if algorithms := c.proofAlgorithms(); algorithms == "" || !isParamText(algorithms) {
			errs.add("Proofs has the algorithms %q; want names in visible ASCII", algorithms)
		}
	}
	if c.ProofsRequired && c.Proofs == nil {
		errs.add("ProofsRequired needs Proofs to check the proofs")
	}
	if err := c.Certificates.validate(); err != nil {
		errs.add("Certificates.%w", err)
	}
	if c.BoundTokensOnly && c.Proofs == nil && c.Certificates == nil {
		errs.add("BoundTokensOnly needs Proofs or Certificates to check the binding")
	}
}

// proofAlgorithms returns the value of algs in challenges; empty without Proofs.
func (c *Config) proofAlgorithms() string {
	if c.Proofs == nil {
		return ""
	}
	return strings.Join(c.Proofs.Algorithms(), " ")
}

// mistakes collects the mistakes in a Config.
type mistakes []error

func (m *mistakes) add(format string, args ...any) {
	*m = append(*m, fmt.Errorf("bearer: Config."+format, args...))
}

func checkMetadataURL(raw string, insecureHTTP bool) error {
	if err := weburl.Unfilled(raw); err != nil {
		return err
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Hostname() == "":
		return errors.New("want an absolute URL")
	case !isParamText(raw) || strings.Contains(raw, " "):
		return errors.New("want visible ASCII without quotes and backslashes")
	case strings.Contains(raw, "#") || u.User != nil:
		return errors.New("want no fragment and no user information")
	case u.Scheme == "https" || u.Scheme == "http" && (insecureHTTP || weburl.IsLoopback(u.Hostname())):
		return nil
	}
	return errors.New("plain HTTP is allowed only for loopback hosts; set InsecureAllowHTTP to accept it on any host")
}

package bearer

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/internal/nilcheck"
	"github.com/bearerkit/bearerkit/internal/weburl"
	"github.com/bearerkit/bearerkit/scope"
)

// Config is what an API has in common for all its routes.
type Config struct {
	// Verifiers judge tokens, asked in this order. Required: at least one.
	Verifiers []Verifier

	// Realm is the realm of challenges (RFC 9110, Section 11.5), printable
	// ASCII. Default: "api".
	Realm string

	// ResourceMetadata is the URL of the API's protected resource metadata,
	// which challenges name as resource_metadata (RFC 9728, Section 5.1): an
	// https URL, or http on a loopback host, unless InsecureAllowHTTP says
	// otherwise. Empty: none is named.
	ResourceMetadata string

	// InsecureAllowHTTP accepts an http ResourceMetadata on a host that is not
	// loopback, such as a service name in a container network. Default: https.
	InsecureAllowHTTP bool

	// Hierarchy says which scopes imply others. Zero: none does.
	Hierarchy scope.Hierarchy

	// Proofs checks proofs of possession (RFC 9449), such as dpop.Checker:
	// tokens that are bound to a key are taken under the DPoP scheme then, and
	// only there. Default: that scheme is one like any other, and such tokens
	// are refused.
	Proofs ProofChecker

	// ProofsRequired takes tokens under the DPoP scheme alone. Default: those
	// that are not bound to a key are taken as Bearer too.
	ProofsRequired bool

	// Certificates says where client certificates come from, to which tokens
	// may be bound (RFC 8705). Default: such tokens are refused.
	Certificates *Certificates

	// BoundTokensOnly refuses tokens that are bound to nothing. Default: they
	// are taken.
	BoundTokensOnly bool

	// DenyList names tokens that are refused although their verifier accepts
	// them. Default: none are.
	DenyList DenyList

	// MaxTokenAge refuses tokens that were issued (iat) longer ago, and those
	// that do not say when: a bound on how long a revoked JWT lives on.
	// Default: their exp decides alone.
	MaxTokenAge time.Duration

	// MaxTokenBytes is the length of the longest access token that is accepted.
	// A longer one is refused before anything looks into it: 431 (RFC 6585,
	// Section 5), since a new token of its kind would be as long. Others bound it
	// too: http.Server.MaxHeaderBytes all fields together (default: 1 MiB), and
	// proxies, many at 8 KiB. Default: 16 KiB. It cannot be negative: there must
	// be a bound.
	MaxTokenBytes int

	// FailureLimit refuses bursts of bad tokens by client address. Default:
	// there is no limit.
	FailureLimit *FailureLimit

	// FormBodyTokens accepts tokens in form bodies too, as the parameter
	// access_token (RFC 6750, Section 2.2). A form is read into memory for it,
	// and one of more than 1 MiB is refused. Default: they are ignored.
	FormBodyTokens bool

	// InsecureQueryTokens accepts tokens in the query too, as the parameter
	// access_token (RFC 6750, Section 2.3), where logs, histories and
	// referrers keep them. Default: they are ignored, as OAuth 2.1 demands.
	InsecureQueryTokens bool

	// InsecurePassPreflights lets genuine CORS preflights (OPTIONS with Origin
	// and Access-Control-Request-Method) pass to the handler without
	// credentials. Default: they are judged like any request; CORS
	// middleware stands outside the guard and answers them before.
	InsecurePassPreflights bool

	// ProblemJSON answers refusals as application/problem+json (RFC 9457)
	// always. Default: when the client's Accept asks for it.
	ProblemJSON bool

	// RetryAfter is what a 503 tells clients to wait, unless the verifier
	// knows better; rounded up to whole seconds. Default: 5 s.
	RetryAfter time.Duration

	// RequestID gives the id by which an answer's body and the log name a
	// request. Default, and in place of an id that is not 1 to 128 letters,
	// digits or of -._~:/+=@ : a random one.
	RequestID func(*http.Request) string

	// Logger gets one record for each refusal. Default: silence.
	Logger *slog.Logger

	// OnAdmit is called with each request that the guard lets in, before the
	// handler, in the request's goroutine. It gets the request that the handler
	// gets: [FromContext] returns the principal, and false for an anonymous
	// request. A request that passes several routes of the guard causes one call,
	// at the first; a route inside may still refuse the request, and then
	// OnRefusal is called too. A handler outside that needs the final outcome uses
	// [Watch]. Default: nothing is called.
	OnAdmit func(*http.Request)

	// OnRefusal is called with each refusal, before its answer is written, in
	// the request's goroutine. Default: nothing is called.
	OnRefusal func(*http.Request, Event)
}

// Guard protects the routes of an API. It is built by [New], immutable, and
// safe for concurrent use.
type Guard struct {
	began            time.Time
	verifiers        []Verifier
	onlyJWTs         bool // see JWTVerifier
	realm            string
	resourceMetadata string
	hierarchy        scope.Hierarchy
	proofs           ProofChecker // nil: none are checked
	proofsRequired   bool
	proofAlgorithms  string
	certificates     *Certificates // nil: none are looked at
	boundOnly        bool
	denyList         DenyList // nil: none
	maxTokenAge      time.Duration
	maxToken         int       // in bytes
	failures         *failures // nil: they are not limited
	formBody, query  bool
	passPreflights   bool
	problem          bool
	retryAfter       time.Duration
	requestIDFunc    func(*http.Request) string
	logger           *slog.Logger
	onAdmit          func(*http.Request)
	onRefusal        func(*http.Request, Event)
}

// New builds a Guard. All mistakes of the configuration are reported at once.
func New(c Config) (*Guard, error) {
	var errs []error
	mistake := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("bearer: Config."+format, args...))
	}
	if len(c.Verifiers) == 0 {
		mistake("Verifiers is empty; want at least one, such as a jwks.Verifier")
	}
	for i, v := range c.Verifiers {
		if nilcheck.IsNil(v) {
			mistake("Verifiers[%d] is nil", i)
		}
	}
	if c.Realm == "" {
		c.Realm = "api"
	}
	if !isQuotable(c.Realm) {
		mistake("Realm %q has a character that is not printable ASCII", c.Realm)
	}
	if c.ResourceMetadata != "" {
		if err := checkMetadataURL(c.ResourceMetadata, c.InsecureAllowHTTP); err != nil {
			mistake("ResourceMetadata %q: %w", weburl.Redact(c.ResourceMetadata), err)
		}
	}
	var algorithms string
	if c.Proofs != nil && nilcheck.IsNil(c.Proofs) {
		mistake("Proofs holds a nil pointer; leave it out to check none")
	} else if c.Proofs != nil {
		algorithms = strings.Join(c.Proofs.Algorithms(), " ")
		if algorithms == "" || !isParamText(algorithms) {
			mistake("Proofs has the algorithms %q; want names of visible ASCII", algorithms)
		}
	}
	if c.ProofsRequired && c.Proofs == nil {
		mistake("ProofsRequired without Proofs, which checks them")
	}
	if c.ProofsRequired && (c.FormBodyTokens || c.InsecureQueryTokens) {
		mistake("ProofsRequired with FormBodyTokens or InsecureQueryTokens, by which no proof is sent")
	}
	if c.BoundTokensOnly && c.Proofs == nil && c.Certificates == nil {
		mistake("BoundTokensOnly without Proofs and Certificates, one of which must check the binding")
	}
	if c.DenyList != nil && nilcheck.IsNil(c.DenyList) {
		mistake("DenyList holds a nil pointer; leave it out to have none")
	}
	if c.MaxTokenAge < 0 {
		mistake("MaxTokenAge is %v; want a positive duration", c.MaxTokenAge)
	}
	if c.MaxTokenBytes < 0 {
		mistake("MaxTokenBytes is %d; want a positive number of bytes, or zero for %d", c.MaxTokenBytes, defaultMaxToken)
	}
	if c.MaxTokenBytes == 0 {
		c.MaxTokenBytes = defaultMaxToken
	}
	if c.FailureLimit != nil {
		if err := c.FailureLimit.validate(); err != nil {
			mistake("FailureLimit: %w", err)
		}
	}
	if c.RetryAfter < 0 {
		mistake("RetryAfter is %v; want a positive duration", c.RetryAfter)
	}
	if c.RetryAfter == 0 {
		c.RetryAfter = 5 * time.Second
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	_, onlyJWTs := c.Verifiers[0].(JWTVerifier)
	return &Guard{
		began:            time.Now(),
		verifiers:        slices.Clone(c.Verifiers),
		onlyJWTs:         onlyJWTs && !c.ProofsRequired && c.FailureLimit == nil, // which come in between
		realm:            c.Realm,
		resourceMetadata: c.ResourceMetadata,
		hierarchy:        c.Hierarchy,
		proofs:           c.Proofs,
		proofsRequired:   c.ProofsRequired,
		proofAlgorithms:  algorithms,
		certificates:     c.Certificates.clone(),
		boundOnly:        c.BoundTokensOnly,
		denyList:         c.DenyList,
		maxTokenAge:      c.MaxTokenAge,
		maxToken:         c.MaxTokenBytes,
		failures:         newFailures(c.FailureLimit),
		formBody:         c.FormBodyTokens,
		query:            c.InsecureQueryTokens,
		passPreflights:   c.InsecurePassPreflights,
		problem:          c.ProblemJSON,
		retryAfter:       c.RetryAfter,
		requestIDFunc:    c.RequestID,
		logger:           c.Logger,
		onAdmit:          c.OnAdmit,
		onRefusal:        c.OnRefusal,
	}, nil
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
		return errors.New("want visible ASCII without quote and backslash")
	case strings.Contains(raw, "#") || u.User != nil:
		return errors.New("want no fragment and no user information")
	case u.Scheme == "https" || u.Scheme == "http" && (insecureHTTP || weburl.IsLoopback(u.Hostname())):
		return nil
	}
	return errors.New("want https, or http on a loopback host; InsecureAllowHTTP accepts http on any host")
}

const (
	requestIDChars = alphanumeric + "-._~:/+=@"
	requestIDLen   = 32 // of a random one
)

// appendRequestID appends an id that needs no escaping anywhere.
func (g *Guard) appendRequestID(b []byte, r *http.Request) []byte {
	if g.requestIDFunc != nil {
		if id := g.requestIDFunc(r); id != "" && len(id) <= 128 && strings.Trim(id, requestIDChars) == "" {
			return append(b, id...)
		}
	}
	// It names a request and guards nothing, so it need not be unpredictable.
	const digits = "0123456789abcdef"
	for range requestIDLen / 16 {
		for bits, n := rand.Uint64(), 0; n < 16; n++ {
			b = append(b, digits[bits&15])
			bits >>= 4
		}
	}
	return b
}

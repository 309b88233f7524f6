package bearer

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

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

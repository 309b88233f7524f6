package bearer

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// TokenSource is a place in a request that may carry the access token. Set
// sources in [Config.Sources]. TokenSources are comparable: two calls of a
// constructor with the same argument return equal values. The zero TokenSource is
// invalid.
//
// The guard reads only the sources in the Config, and ignores tokens anywhere
// else. A request that carries tokens in more than one source is malformed (RFC
// 6750, Section 3.1). All refusals carry the same challenges, whatever the
// source. A token from any source but the Authorization field has the scheme
// Bearer, so the guard refuses it if it is bound to a key (RFC 9449, Section 7.1).
type TokenSource struct {
	kind sourceKind
	name string // of the field or the cookie, or the prefix of the subprotocol
}

type sourceKind uint8

const (
	sourceNone sourceKind = iota
	sourceAuthorization
	sourceField
	sourceForm
	sourceQuery
	sourceProtocol
	sourceProtocolBase64
	sourceCookie
	sourceAnyCookie
)

// FromAuthorization is the Authorization field (RFC 6750, Section 2.1). It is the
// only source if [Config.Sources] is empty.
func FromAuthorization() TokenSource { return TokenSource{kind: sourceAuthorization} }

// FromHeader is another header field, such as Cf-Access-Jwt-Assertion,
// X-Goog-Iap-Jwt-Assertion or X-Amzn-Oidc-Accesstoken. Its value is the token
// alone, without a scheme, in one field line. A field whose name has an underscore
// in place of a hyphen is another field.
//
// A proxy that sets such a field usually knows the user by a cookie, which
// browsers also send for other sites' pages. The guard therefore refuses requests
// of other origins as it does for [FromCookie].
func FromHeader(name string) TokenSource {
	return TokenSource{sourceField, http.CanonicalHeaderKey(name)}
}

// FromFormBody is the form parameter access_token of the body (RFC 6750, Section
// 2.2). The guard reads such a form into memory and rejects one that exceeds 1
// MiB.
func FromFormBody() TokenSource { return TokenSource{kind: sourceForm} }

// InsecureFromQuery is the query parameter access_token (RFC 6750, Section 2.3),
// where logs, browser histories and Referer fields expose the token. OAuth 2.1
// forbids it.
func InsecureFromQuery() TokenSource { return TokenSource{kind: sourceQuery} }

// FromWebSocketProtocol is the subprotocol that begins with prefix, among those
// that a WebSocket handshake offers in Sec-WebSocket-Protocol (RFC 6455, Section
// 4.1; RFC 8441 for HTTP/2). The rest of the subprotocol's name is the token. For
// example, a page connects by
//
//	new WebSocket(url, ["chat.v1", "bearer.token." + accessToken])
//
// and the source is FromWebSocketProtocol("bearer.token."). [Route.Admit] and
// [Route.Authenticate] remove the subprotocol from the request, even if they
// refuse it, so that handlers, [Config.OnRefusal], [Config.ErrorBody] and access
// logs do not see the token. Handlers see the other subprotocols and select one
// of them. If they select none, browsers close the connection.
//
// A subprotocol's name cannot contain the characters "/" and "=" (RFC 6455,
// Section 4.1). For tokens with such characters use
// [FromWebSocketProtocolBase64].
func FromWebSocketProtocol(prefix string) TokenSource {
	return TokenSource{sourceProtocol, prefix}
}

// FromWebSocketProtocolBase64 is like [FromWebSocketProtocol], but the token is
// encoded in base64url without padding. Kubernetes does so with the prefix
// "base64url.bearer.authorization.k8s.io.".
func FromWebSocketProtocolBase64(prefix string) TokenSource {
	return TokenSource{sourceProtocolBase64, prefix}
}

// FromCookie is the cookie with this name, which must begin with __Host-.
// Browsers accept such a cookie only over TLS, and only from the host itself (RFC
// 6750, Section 5.3, forbids tokens in cookies that may be sent in the clear).
//
// Browsers send cookies by themselves, also if another site's page causes the
// request. The guard therefore answers 403 to a request of another origin, unless
// its method is GET, HEAD or OPTIONS and it is not a WebSocket handshake. See
// [Config.CrossOrigin]. Handlers of GET, HEAD and OPTIONS must not change
// anything.
func FromCookie(name string) TokenSource { return TokenSource{sourceCookie, name} }

// InsecureFromCookie is like [FromCookie], but its cookie may have any name.
// Browsers may then send the token without TLS, and another host of the same
// domain can replace it.
func InsecureFromCookie(name string) TokenSource { return TokenSource{sourceAnyCookie, name} }

// String returns the call that creates the source, such as
// FromHeader("Cf-Access-Jwt-Assertion").
func (s TokenSource) String() string {
	if s.kind == sourceNone {
		return "TokenSource{}"
	}
	call := [...]string{
		sourceAuthorization: "FromAuthorization", sourceField: "FromHeader",
		sourceForm: "FromFormBody", sourceQuery: "InsecureFromQuery",
		sourceProtocol: "FromWebSocketProtocol", sourceProtocolBase64: "FromWebSocketProtocolBase64",
		sourceCookie: "FromCookie", sourceAnyCookie: "InsecureFromCookie",
	}[s.kind]
	switch s.kind {
	case sourceAuthorization, sourceForm, sourceQuery:
		return call + "()"
	}
	return call + "(" + strconv.Quote(s.name) + ")"
}

func (k sourceKind) isProtocol() bool { return k == sourceProtocol || k == sourceProtocolBase64 }
func (k sourceKind) isCookie() bool   { return k == sourceCookie || k == sourceAnyCookie }

// isAmbient reports whether browsers, or a proxy on their behalf, may add the
// token to requests that another site's page causes.
func (k sourceKind) isAmbient() bool { return k.isCookie() || k == sourceField }

// fieldsOfOthers are fields that contain something other than a token alone.
var fieldsOfOthers = []string{"Authorization", "Proxy-Authorization", "Cookie", "Dpop", "Sec-Websocket-Protocol", "Client-Cert"}

func (s TokenSource) validate() error {
	switch {
	case s.kind == sourceNone:
		return fmt.Errorf("the zero TokenSource; use a constructor, such as FromAuthorization")
	case s.kind == sourceAuthorization || s.kind == sourceForm || s.kind == sourceQuery:
		return nil
	case !isName(s.name):
		return fmt.Errorf("%v: want a name of letters, digits and !#$%%&'*+-.^_`|~", s)
	case s.kind == sourceField && slices.Contains(fieldsOfOthers, s.name):
		return fmt.Errorf("%v: the value of this field is not a token alone; for Authorization use FromAuthorization", s)
	case s.kind == sourceField && s.name == "X-Amzn-Oidc-Data":
		return fmt.Errorf("%v: its tokens are padded, which RFC 7515 forbids, and have no audience; use FromHeader(\"X-Amzn-Oidc-Accesstoken\")", s)
	case s.kind == sourceCookie && !strings.HasPrefix(s.name, "__Host-"):
		return fmt.Errorf("%v: want a name that begins with __Host-; InsecureFromCookie accepts any name", s)
	}
	return nil
}

// isName reports whether s is a token in the sense of RFC 9110, Section 5.6.2.
func isName(s string) bool {
	for i := range len(s) {
		if !isTokenChar[s[i]] {
			return false
		}
	}
	return s != ""
}

// validateSources reports the mistakes in Sources, which has its default, and in
// settings that depend on it.
func (c *Config) validateSources(errs *mistakes) {
	ambient := false
	for i, s := range c.Sources {
		if err := s.validate(); err != nil {
			errs.add("Sources[%d] is %w", i, err)
			continue
		}
		ambient = ambient || s.kind.isAmbient()
		for j, other := range c.Sources[:i] {
			if s.overlaps(other) {
				errs.add("Sources[%d] %v reads the same value as Sources[%d] %v; remove one of them", i, s, j, other)
			}
		}
	}
	if c.CrossOrigin != nil && !ambient {
		errs.add("CrossOrigin has no effect, since Sources has neither FromCookie nor FromHeader; remove it")
	}
	readsAuthorization := slices.Contains(c.Sources, FromAuthorization())
	if c.FailureLimit != nil && !readsAuthorization {
		errs.add("FailureLimit has no effect, since it counts only tokens in Authorization and Sources lacks FromAuthorization; remove it")
	}
	onlyAuthorization := len(c.Sources) == 1 && c.Sources[0] == FromAuthorization()
	if c.ProofsRequired && !onlyAuthorization {
		errs.add("ProofsRequired conflicts with Sources, which accept tokens without a proof; leave Sources unset")
	}
	if c.Proofs != nil && !readsAuthorization {
		errs.add("Proofs needs FromAuthorization in Sources, since only the Authorization field has the scheme DPoP")
	}
}

// overlaps reports whether one value in a request may belong to both sources.
func (s TokenSource) overlaps(other TokenSource) bool {
	switch {
	case s.kind.isProtocol() && other.kind.isProtocol():
		return strings.HasPrefix(s.name, other.name) || strings.HasPrefix(other.name, s.name)
	case s.kind.isCookie() && other.kind.isCookie():
		return s.name == other.name
	}
	return s == other
}

// Sources returns the sources in which the guard looks for tokens.
func (g *Guard) Sources() []TokenSource {
	if !g.isBuilt() {
		return nil
	}
	return slices.Clone(g.sources)
}

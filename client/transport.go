package client

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"strings"
)

// Transport is an http.RoundTripper that sends an access token with each request to
// one API, and resolves what the API refuses. Use [New] to build one; the zero
// Transport is not usable. It is safe for concurrent use.
//
// It repeats a request at most once for each of these reasons:
//
//   - 401 with invalid_token, with an unknown error code or with none: it gets a
//     fresh token.
//   - insufficient_scope: it gets a token with the scopes that it had and those that
//     the challenge names.
//   - insufficient_user_authentication: it gets a token with the authentication that
//     the challenge names (RFC 9470).
//   - use_dpop_nonce: it makes a proof with the API's nonce (RFC 9449, Section 9).
//   - 429 or 503 with Retry-After: it waits, if [Config.MaxWait] allows it and the
//     request is safe to repeat: its method is idempotent, or it has an
//     Idempotency-Key.
//
// What it cannot resolve is an [*Error]. All other answers are the caller's, also a
// 401 whose challenges are of other schemes, and a 403 without a challenge. The
// refused request is not changed, and its own Authorization and DPoP fields are
// replaced.
type Transport struct {
	config     Config
	resource   resource
	prover     *prover // nil: no proofs
	log        *slog.Logger
	perRequest bool // the source is a ContextSource
	shared     *vault
}

var _ http.RoundTripper = (*Transport)(nil)

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !t.resource.covers(r.URL) {
		return t.config.Base.RoundTrip(r)
	}
	c := call{transport: t, request: r, vault: t.shared}
	if t.perRequest {
		c.vault = &vault{transport: t}
	}
	return c.run()
}

// scheme is the authentication scheme of the tokens.
func (t *Transport) scheme() string {
	if t.prover != nil {
		return schemeDPoP
	}
	return schemeBearer
}

// CloseIdleConnections closes the idle connections of [Config.Base], if it can.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.config.Base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// call is one request with its repetitions.
type call struct {
	transport *Transport
	request   *http.Request
	vault     *vault
	token     *held // of the last attempt. Nil: none
	proof     proof // of the last attempt
	attempts  int
	reasons   reason // for which the request was repeated
}

// send sends the request once.
func (c *call) send() (*http.Response, error) {
	t, r := c.transport, c.request.WithContext(c.request.Context()) // a shallow copy
	if r.Header = maps.Clone(c.request.Header); r.Header == nil {
		r.Header = http.Header{}
	}
	for name := range r.Header { // net/http sends names as they are spelled
		if strings.EqualFold(name, "Authorization") || strings.EqualFold(name, "DPoP") {
			delete(r.Header, name)
		}
	}
	if c.attempts > 0 && c.request.Body != nil && c.request.GetBody != nil {
		body, err := c.request.GetBody()
		if err != nil {
			return nil, err
		}
		r.Body = body
	}
	if c.token != nil {
		r.Header["Authorization"] = []string{c.token.field}
		if t.prover != nil {
			made, err := t.prover.prove(r.Method, r.URL, c.token.token.AccessToken)
			if err != nil {
				closeBody(r)
				return nil, err
			}
			c.proof = made
			r.Header["Dpop"] = []string{made.text}
		}
	}
	c.attempts++
	resp, err := t.config.Base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if resp == nil {
		return nil, fmt.Errorf("client: Config.Base, a %T, returned no answer and no error", t.config.Base)
	}
	if resp.Body == nil { // some RoundTrippers leave it out
		resp.Body = http.NoBody
	}
	t.prover.take(resp.Header)
	return resp, nil
}

// hasFixedBody reports whether the body can be sent only once.
func hasFixedBody(r *http.Request) bool {
	return r.Body != nil && r.Body != http.NoBody && r.GetBody == nil
}

// closeBody closes the body of a request that is not sent, as a RoundTripper must.
func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}

package introspect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/bearerkit/bearerkit/internal/discovery"
	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/keysource"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

const (
	// maxAnswer bounds an answer, in bytes.
	maxAnswer = 256 << 10

	// A discovered endpoint is used for at least minDiscovered, even if it
	// fails. If the metadata cannot be fetched, the endpoint is used for
	// maxStale beyond its 24 hours. The verifier waits metadataPause before it
	// fetches the metadata again.
	minDiscovered = 10 * time.Second
	maxStale      = 24 * time.Hour
	metadataPause = time.Minute
)

// endpoint sends questions to the introspection endpoint.
type endpoint struct {
	config     Config
	client     *fetch.Client
	names      names
	opener     *opener // nil: answers need no signature
	discovered *discovery.Cache
}

func newEndpoint(c Config, background func(work func(context.Context)) bool) *endpoint {
	e := &endpoint{config: c, client: fetch.New(c.Client, c.InsecureAllowHTTP), names: newNames(&c)}
	e.discovered = discovery.NewCache(discovery.Config{
		Find: e.discover, MaxStale: maxStale, Pause: metadataPause,
		Background: func(work func(context.Context)) bool {
			return background(func(ctx context.Context) {
				ctx, cancel := context.WithTimeout(ctx, c.Timeout)
				defer cancel()
				work(ctx)
			})
		},
	})
	if c.Signed != nil {
		e.opener = newOpener(c, e.client)
	}
	return e
}

func (e *endpoint) close() {
	if e.opener != nil {
		e.opener.keys.Close()
	}
	e.client.CloseIdleConnections()
}

// sentError means that a question was sent but not answered. Its token may be the
// reason.
type sentError struct{ err error }

func (e *sentError) Error() string { return e.err.Error() }
func (e *sentError) Unwrap() error { return e.err }

// ask asks about a token. An error means that there is no answer. It is a
// *sentError if the question was sent.
func (e *endpoint) ask(ctx context.Context, token string) (*answer, error) {
	to, err := e.url(ctx)
	if err != nil {
		return nil, err
	}
	response, err := e.post(ctx, to, token)
	if fetch.IsReset(err) && ctx.Err() == nil {
		response, err = e.post(ctx, to, token) // retry once
	}
	if err != nil {
		return e.failed(response, err)
	}
	document := response.Body
	if e.opener != nil {
		document, err = e.opener.open(ctx, response.Header, response.Body)
		if _, ours := errors.AsType[*keysource.UnavailableError](err); ours {
			return nil, err
		}
		if err != nil {
			return nil, &sentError{err}
		}
	}
	a, err := e.read(document)
	if err != nil {
		return nil, &sentError{fmt.Errorf("not an introspection answer: %w", err)}
	}
	return a, nil
}

// post sends one request. It authenticates each request anew, because an assertion
// may be used only once.
func (e *endpoint) post(ctx context.Context, to, token string) (fetch.Response, error) {
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}} // RFC 7662, Section 2.1
	header := http.Header{"Accept": {"application/json"}}
	if e.opener != nil {
		header.Set("Accept", signedType)
	}
	if err := e.config.Auth.apply(ctx, form, header, e.config.Issuer); err != nil {
		return fetch.Response{}, err
	}
	return e.client.Post(ctx, to, form, header, maxAnswer)
}

// read reads an answer, and sets the issuer of its token even if there is no iss.
func (e *endpoint) read(document []byte) (*answer, error) {
	a, err := e.names.read(document)
	if err == nil {
		a.principal.Issuer = e.config.Issuer
	}
	return a, err
}

// failed interprets the failure of a question. Some errors are answers.
func (e *endpoint) failed(response fetch.Response, err error) (*answer, error) {
	if _, unsent := errors.AsType[*credentialsError](err); unsent || fetch.IsUnreachable(err) {
		return nil, err
	}
	code := errorCode(response.Body)
	switch status := response.Status; {
	case status == http.StatusBadRequest && code == "unsupported_token_type" && e.opener == nil:
		// Some servers send this for JWTs (RFC 7009, Section 2.2.1). It means
		// that the token is not an access token of this server. If answers must
		// be signed, it proves nothing.
		return &answer{document: inactive}, nil
	case status == http.StatusUnauthorized, status == http.StatusForbidden,
		status == http.StatusBadRequest && (code == "invalid_client" || code == "unauthorized_client"):
		// RFC 7662, Section 2.3; RFC 6749, Section 5.2: the server rejects the
		// verifier's credentials, not the token. But a firewall may also answer
		// 403 because of the token.
		err = &credentialsError{err}
	}
	return nil, &sentError{err}
}

func errorCode(body []byte) (code string) {
	err := strictjson.Object(body, func(name []byte, value strictjson.Value) error {
		if string(name) == "error" {
			code, _ = strictjson.String(value) // empty if it is no string
		}
		return nil
	})
	if err != nil {
		return ""
	}
	return code
}

// url returns the URL of the endpoint, configured or discovered.
func (e *endpoint) url(ctx context.Context) (string, error) {
	if e.config.Endpoint != "" {
		return e.config.Endpoint, nil
	}
	return e.discovered.URL(ctx)
}

// moved notes that the endpoint fails and may have moved. A later question starts
// its discovery in the background.
func (e *endpoint) moved() { e.discovered.Doubt(minDiscovered) }

// discover finds the endpoint in the issuer's metadata.
func (e *endpoint) discover(ctx context.Context) (string, error) {
	m, err := discovery.Find(ctx, e.client, e.config.Issuer, discovery.IntrospectionEndpoint)
	if err != nil {
		return "", err
	}
	if m.IntrospectionAuthMethods != nil && !e.config.Auth.isAmong(m.IntrospectionAuthMethods) {
		e.config.Logger.Warn("the issuer's metadata does not list our client authentication",
			"issuer", e.config.Issuer, "ours", e.config.Auth.method, "listed", m.IntrospectionAuthMethods)
	}
	return m.IntrospectionEndpoint, nil
}

package introspect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/keysource"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

const (
	// maxAnswer bounds an answer, in bytes.
	maxAnswer = 256 << 10
	// maxDiscovered is how long a discovered endpoint is believed.
	maxDiscovered = 24 * time.Hour
)

// endpoint asks the authorization server.
type endpoint struct {
	config Config
	client *fetch.Client
	names  names
	opener *opener // nil: answers are not signed

	mu         sync.Mutex
	discovered string // empty: to be discovered
	at         time.Time
}

func newEndpoint(c Config) *endpoint {
	e := &endpoint{config: c, client: fetch.New(c.Client, c.InsecureAllowHTTP), names: newNames()}
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

// ask asks about a token. Its error means that nobody can tell: it is never
// about the token.
func (e *endpoint) ask(ctx context.Context, token string) (*answer, error) {
	to, err := e.url(ctx)
	if err != nil {
		return nil, err
	}
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}} // RFC 7662, Section 2.1
	header := http.Header{"Accept": {"application/json"}}
	if e.opener != nil {
		header.Set("Accept", signedType)
	}
	if err := e.config.Auth.apply(form, header, e.config.Issuer); err != nil {
		return nil, err
	}
	response, err := e.client.Post(ctx, to, form, header, maxAnswer)
	if err != nil {
		return e.failed(response, err)
	}
	document := response.Body
	if e.opener != nil {
		if document, err = e.opener.open(ctx, response.Header, response.Body); err != nil {
			return nil, err
		}
	}
	a, err := e.read(document)
	if err != nil {
		return nil, fmt.Errorf("not an introspection answer: %w", err)
	}
	return a, nil
}

// read reads an answer, whose token is the issuer's, whether it says so or not.
func (e *endpoint) read(document []byte) (*answer, error) {
	a, err := e.names.read(document)
	if err == nil {
		a.principal.Issuer = e.config.Issuer
	}
	return a, err
}

// failed says what it means that the endpoint did not answer 200.
func (e *endpoint) failed(response fetch.Response, err error) (*answer, error) {
	switch {
	case response.Status == http.StatusBadRequest && errorCode(response.Body) == "unsupported_token_type":
		// Some servers say so of JWTs (RFC 7009, Section 2.2.1). It is an
		// answer: whatever the token is, it is no access token to the server.
		return &answer{document: []byte(`{"active":false}`)}, nil
	case response.Status == http.StatusUnauthorized, response.Status == http.StatusForbidden:
		// RFC 7662, Section 2.3: it is we who are refused.
		return nil, &credentialsError{err}
	}
	e.mu.Lock()
	e.discovered = "" // it may have moved
	e.mu.Unlock()
	return nil, err
}

func errorCode(body []byte) (code string) {
	err := strictjson.Object(body, func(name []byte, value strictjson.Value) (err error) {
		if string(name) == "error" {
			code, err = strictjson.String(value)
		}
		return err
	})
	if err != nil {
		return ""
	}
	return code
}

// url returns the URL of the endpoint, given or discovered.
func (e *endpoint) url(ctx context.Context) (string, error) {
	if e.config.Endpoint != "" {
		return e.config.Endpoint, nil
	}
	e.mu.Lock()
	discovered := e.discovered
	if time.Since(e.at) >= maxDiscovered {
		discovered = ""
	}
	e.mu.Unlock()
	if discovered != "" {
		return discovered, nil
	}
	m, err := keysource.Discover(ctx, e.client, e.config.Issuer)
	if err != nil {
		return "", err
	}
	method := e.config.Auth.method
	if m.IntrospectionAuthMethods != nil && method != "" && !slices.Contains(m.IntrospectionAuthMethods, method) {
		e.config.Logger.Warn("the issuer's metadata do not list our client authentication",
			"issuer", e.config.Issuer, "ours", method, "listed", m.IntrospectionAuthMethods)
	}
	e.mu.Lock()
	e.discovered, e.at = m.IntrospectionEndpoint, time.Now()
	e.mu.Unlock()
	return m.IntrospectionEndpoint, nil
}

// hint says what an operator can do about an error.
func hint(err error) string {
	credentials := (*credentialsError)(nil)
	transport := (*fetch.TransportError)(nil)
	status := (*fetch.StatusError)(nil)
	switch {
	case errors.As(err, &credentials):
		return "the endpoint does not take our credentials: check Config.Auth, and that this client may introspect"
	case errors.As(err, &transport):
		return "check that the endpoint can be reached from here: DNS, firewall, proxy, its certificate"
	case errors.As(err, &status) && status.Status == http.StatusTooManyRequests:
		return "the endpoint limits our rate: raise Config.MaxAge, share a cache, or ask for a higher limit"
	case errors.As(err, &status):
		return "check the issuer's health, and that the URL is the one of its introspection endpoint"
	}
	return "check that the URL is the one of the issuer's introspection endpoint"
}

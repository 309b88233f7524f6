package introspect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/keysource"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

const (
	// maxAnswer bounds an answer, in bytes.
	maxAnswer = 256 << 10
	// maxDiscovered is how long a discovered endpoint is believed; while the
	// metadata are out of reach as long again.
	maxDiscovered = 24 * time.Hour
	// minDiscovered is how long it is believed at least, whatever it answers.
	minDiscovered = 10 * time.Second
)

// endpoint asks the authorization server.
type endpoint struct {
	config Config
	client *fetch.Client
	names  names
	opener *opener // nil: answers are not signed

	turn       chan struct{} // whose it is discovers
	mu         sync.Mutex
	discovered string // empty: nothing yet
	at         time.Time
	believed   time.Time // until then
}

func newEndpoint(c Config) *endpoint {
	e := &endpoint{
		config: c, client: fetch.New(c.Client, c.InsecureAllowHTTP), names: newNames(), turn: make(chan struct{}, 1),
	}
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
	response, err := e.post(ctx, to, token)
	if fetch.IsReset(err) && ctx.Err() == nil {
		response, err = e.post(ctx, to, token) // once more
	}
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

// post sends one request, with credentials of its own: an assertion is good for
// one.
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
	if _, ours := errors.AsType[*credentialsError](err); ours {
		return nil, err // nothing was asked
	}
	code := errorCode(response.Body)
	switch status := response.Status; {
	case status == http.StatusBadRequest && code == "unsupported_token_type":
		// Some servers say so of JWTs (RFC 7009, Section 2.2.1). It is an
		// answer: whatever the token is, it is no access token to the server.
		return &answer{document: []byte(`{"active":false}`)}, nil
	case status == http.StatusUnauthorized,
		status == http.StatusBadRequest && (code == "invalid_client" || code == "unauthorized_client"):
		// RFC 7662, Section 2.3; RFC 6749, Section 5.2: it is we who are refused.
		return nil, &credentialsError{err}
	case status == http.StatusForbidden: // also what a firewall says of a token
		return nil, &refusedError{&credentialsError{err}}
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed, status == http.StatusGone:
		e.moved()
		return nil, &refusedError{err}
	case status == http.StatusTooManyRequests:
		return nil, err
	case status >= 400 && status < 500 && status != http.StatusRequestTimeout:
		return nil, &refusedError{err}
	}
	e.moved()
	return nil, err
}

// refusedError says that the endpoint refuses one request. The token in it may
// be the reason, so it says nothing of the endpoint's health: otherwise anybody
// could have it left alone, by a few tokens that it does not like.
type refusedError struct{ err error }

func (e *refusedError) Error() string { return e.err.Error() }
func (e *refusedError) Unwrap() error { return e.err }

// isIll reports whether an error says that the endpoint is not well.
func isIll(err error) bool {
	_, refused := errors.AsType[*refusedError](err)
	return err != nil && !refused
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

// moved has the endpoint discovered again soon.
func (e *endpoint) moved() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.believed = earlier(e.believed, e.at.Add(minDiscovered))
}

// known returns the endpoint that was discovered, and whether that is believed.
func (e *endpoint) known() (to string, believed bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.discovered, time.Now().Before(e.believed)
}

// url returns the URL of the endpoint, given or discovered.
func (e *endpoint) url(ctx context.Context) (string, error) {
	if e.config.Endpoint != "" {
		return e.config.Endpoint, nil
	}
	if to, believed := e.known(); believed {
		return to, nil
	}
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	last, believed := e.known()
	if believed { // another has found it meanwhile
		return last, nil
	}
	if last != "" { // and some of the time is left for asking there
		short, cancel := context.WithTimeout(ctx, e.config.Timeout/2)
		defer cancel()
		ctx = short
	}
	m, err := keysource.Discover(ctx, e.client, e.config.Issuer)
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	switch {
	case err == nil:
		e.discovered, e.at, e.believed = m.IntrospectionEndpoint, now, now.Add(maxDiscovered)
	case last != "" && now.Sub(e.at) < 2*maxDiscovered:
		// It may well be where it was.
		e.believed = now.Add(time.Minute)
	default:
		return "", err
	}
	if err == nil && m.IntrospectionAuthMethods != nil && !e.config.Auth.isAmong(m.IntrospectionAuthMethods) {
		e.config.Logger.Warn("the issuer's metadata do not list our client authentication",
			"issuer", e.config.Issuer, "ours", e.config.Auth.method, "listed", m.IntrospectionAuthMethods)
	}
	return e.discovered, nil
}

// hint says what an operator can do about an error.
func hint(err error) string {
	credentials := (*credentialsError)(nil)
	transport := (*fetch.TransportError)(nil)
	status := (*fetch.StatusError)(nil)
	refused := (*refusedError)(nil)
	switch {
	case errors.As(err, &credentials):
		return "the endpoint does not take our credentials: check Config.Auth, and that this client may introspect"
	case errors.As(err, &transport):
		return "check that the endpoint can be reached from here: DNS, firewall, proxy, its certificate"
	case errors.As(err, &status) && status.Status == http.StatusTooManyRequests:
		return "the endpoint limits our rate: raise Config.MaxAge, share a cache, or ask for a higher limit"
	case errors.As(err, &refused):
		return "check that the URL is the one of the issuer's introspection endpoint, and what it has against such a request"
	case errors.As(err, &status):
		return "check the issuer's health, and that the URL is the one of its introspection endpoint"
	}
	return "check that the URL is the one of the issuer's introspection endpoint"
}

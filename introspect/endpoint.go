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
	config     Config
	client     *fetch.Client
	names      names
	opener     *opener // nil: answers are not signed
	background func(work func(context.Context)) bool

	turn       chan struct{} // taken by the caller that discovers
	mu         sync.Mutex
	discovered string // empty: nothing yet
	at         time.Time
	believed   time.Time // until then
}

func newEndpoint(c Config, background func(work func(context.Context)) bool) *endpoint {
	e := &endpoint{
		config: c, client: fetch.New(c.Client, c.InsecureAllowHTTP), names: newNames(&c),
		background: background, turn: make(chan struct{}, 1),
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

// sentError says that a question was sent and brought no answer. Its token may
// be the reason.
type sentError struct{ err error }

func (e *sentError) Error() string { return e.err.Error() }
func (e *sentError) Unwrap() error { return e.err }

// ask asks about a token. Its error means that nobody can tell whether the token
// is good; it is a *sentError if the question was sent.
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
	if _, unsent := errors.AsType[*credentialsError](err); unsent || fetch.IsUnreachable(err) {
		return nil, err
	}
	code := errorCode(response.Body)
	switch status := response.Status; {
	case status == http.StatusBadRequest && code == "unsupported_token_type" && e.opener == nil:
		// Some servers say so of JWTs (RFC 7009, Section 2.2.1). It is an
		// answer: whatever the token is, it is no access token to the server.
		// Where answers must be signed, it proves nothing.
		return &answer{document: inactive}, nil
	case status == http.StatusUnauthorized, status == http.StatusForbidden,
		status == http.StatusBadRequest && (code == "invalid_client" || code == "unauthorized_client"):
		// RFC 7662, Section 2.3; RFC 6749, Section 5.2: it refuses us, not the
		// token. A firewall says 403 of a token, too.
		err = &credentialsError{err}
	}
	return nil, &sentError{err}
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

// moved has the endpoint discovered again soon, in the background.
func (e *endpoint) moved() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.believed = earlier(e.believed, e.at.Add(minDiscovered))
}

// known returns the endpoint that was discovered last, unless that was too long
// ago, and whether it is time to discover it again.
func (e *endpoint) known(now time.Time) (to string, due bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if now.Sub(e.at) >= 2*maxDiscovered {
		return "", true
	}
	return e.discovered, !now.Before(e.believed)
}

// url returns the URL of the endpoint, given or discovered. Nobody waits for a
// new discovery while the last one may be right.
func (e *endpoint) url(ctx context.Context) (string, error) {
	if e.config.Endpoint != "" {
		return e.config.Endpoint, nil
	}
	to, due := e.known(time.Now())
	if to == "" {
		return e.discover(ctx)
	}
	if due {
		select {
		case e.turn <- struct{}{}:
			if !e.background(func(ctx context.Context) {
				defer func() { <-e.turn }()
				ctx, cancel := context.WithTimeout(ctx, e.config.Timeout)
				defer cancel()
				_, _ = e.look(ctx) // a failure is seen when the endpoint fails
			}) {
				<-e.turn
			}
		default: // it is under way
		}
	}
	return to, nil
}

// discover waits for its turn, and discovers the endpoint if nobody has.
func (e *endpoint) discover(ctx context.Context) (string, error) {
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if to, _ := e.known(time.Now()); to != "" {
		return to, nil
	}
	return e.look(ctx)
}

// look asks for the issuer's metadata. The caller has the turn.
func (e *endpoint) look(ctx context.Context) (string, error) {
	m, err := keysource.Discover(ctx, e.client, e.config.Issuer)
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	if err != nil {
		e.believed = now.Add(time.Minute) // the endpoint may well be where it was
		return "", err
	}
	e.discovered, e.at, e.believed = m.IntrospectionEndpoint, now, now.Add(maxDiscovered)
	if m.IntrospectionAuthMethods != nil && !e.config.Auth.isAmong(m.IntrospectionAuthMethods) {
		e.config.Logger.Warn("the issuer's metadata do not list our client authentication",
			"issuer", e.config.Issuer, "ours", e.config.Auth.method, "listed", m.IntrospectionAuthMethods)
	}
	return e.discovered, nil
}

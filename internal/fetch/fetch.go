// Package fetch makes the HTTP requests that this module sends to
// authorization servers: bounded in time, size, redirects and scheme.
//
// Its errors have no prefix, since the packages that call it put them into
// sentences of their own. They never quote a response body, the userinfo or
// the query of a URL.
package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// MaxBody is the most that a metadata document or a key set may measure, in
// bytes after decompression.
const MaxBody = 1 << 20

// maxRedirects is how many redirects a request follows, all within the origin.
const maxRedirects = 3

// Client makes bounded requests. It is safe for concurrent use. Use [New].
type Client struct {
	http         *http.Client
	own          *http.Transport // nil: the transport is the caller's
	insecureHTTP bool
	connections  connections
}

// New returns a client that sends its requests by a copy of base, without its
// cookie jar, and follows redirects within one origin only. With a nil base,
// or one without a Transport, it has a transport of its own, [NewTransport].
// insecureHTTP allows http beyond loopback.
//
// A connection that swallows requests is replaced after a timeout, also in a
// transport of the caller's: its idle connections are closed, if its
// RoundTripper has the method CloseIdleConnections.
func New(base *http.Client, insecureHTTP bool) *Client {
	c := &Client{http: new(http.Client), insecureHTTP: insecureHTTP}
	if base != nil {
		*c.http = *base
	}
	if c.http.Transport == nil {
		c.own = NewTransport()
		c.http.Transport = c.own
	}
	// RFC 8725, Section 3.10 asks for requests without cookies.
	c.http.Jar = nil
	c.http.CheckRedirect = checkRedirect
	return c
}

// CheckURL is [CheckURL] under the client's rule for http.
func (c *Client) CheckURL(raw string) (*url.URL, error) {
	return CheckURL(raw, c.insecureHTTP)
}

// CloseIdleConnections closes the idle connections of the transport that New
// made. Those of a transport that came with the caller's http.Client stay open
// for its other users.
func (c *Client) CloseIdleConnections() {
	if c.own != nil {
		c.own.CloseIdleConnections()
	}
}

// Response is a response of status 200 whose body was read to its end.
type Response struct {
	Body   []byte
	Header http.Header
	Status int
}

// Get requests rawURL, which must pass [Client.CheckURL], and reads at most
// limit bytes of body. It returns a [*StatusError] for any status but 200,
// [ErrTooLarge] for one byte more than limit, [ErrRedirect] for a redirect it
// does not follow, and a [*TransportError] when the server cannot be reached,
// breaks off, or takes longer than ctx lasts.
func (c *Client) Get(ctx context.Context, rawURL string, limit int64) (Response, error) {
	u, err := c.CheckURL(rawURL)
	if err != nil {
		return Response{}, err
	}
	req := (&http.Request{
		Method: http.MethodGet,
		URL:    u,
		Host:   u.Host,
		Header: http.Header{"Accept": {"application/json, application/jwk-set+json"}},
	}).WithContext(ctx)
	return c.do(req, limit)
}

// Post sends form to rawURL (application/x-www-form-urlencoded) with header
// beside, and is otherwise as [Client.Get]; but it follows no redirect, since a
// form may hold secrets, and of a response whose status is not 200 it returns
// up to limit bytes of the body with the [*StatusError].
func (c *Client) Post(ctx context.Context, rawURL string, form url.Values, header http.Header, limit int64) (Response, error) {
	u, err := c.CheckURL(rawURL)
	if err != nil {
		return Response{}, err
	}
	body := form.Encode()
	req := (&http.Request{
		Method:        http.MethodPost,
		URL:           u,
		Host:          u.Host,
		Header:        header.Clone(),
		Body:          io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)),
		GetBody: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(body)), nil
		},
	}).WithContext(ctx)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.do(req, limit)
}

// IsReset reports whether a request failed because its connection broke before
// an answer began: the server has closed it while it was idle, or it was found
// to be dead. A second try is likely to work.
func IsReset(err error) bool {
	transport, ok := errors.AsType[*TransportError](err)
	if !ok || transport.begun || isTimeout(err) || errors.Is(err, context.Canceled) {
		return false
	}
	return transport.reused ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF)
}

func (c *Client) do(req *http.Request, limit int64) (Response, error) {
	sent := time.Now()
	response, err := c.send(req, limit)
	if _, failed := errors.AsType[*TransportError](err); !failed {
		c.connections.answered()
	} else if isTimeout(err) {
		c.connections.timedOut(sent)
	}
	return response, err
}

func (c *Client) send(req *http.Request, limit int64) (Response, error) {
	req, reused := c.connections.prepare(req, c.http)
	resp, err := c.http.Do(req)
	if err != nil {
		// url.Error's own text has the query in it.
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		if errors.Is(err, ErrRedirect) {
			return Response{}, err
		}
		return Response{}, &TransportError{Err: err, reused: reused.Load()}
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		failed := Response{Header: resp.Header, Status: resp.StatusCode}
		if req.Method == http.MethodPost {
			// An OAuth error response (RFC 6749, Section 5.2), if it is whole.
			failed.Body, _ = io.ReadAll(io.LimitReader(resp.Body, limit))
		}
		failed.Body = WithoutBOM(failed.Body)
		return failed, &StatusError{Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header)}
	}
	if resp.ContentLength > limit {
		return Response{}, tooLarge(limit)
	}
	// The transport has undone gzip here, so what is counted is the memory.
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if int64(len(body)) > limit {
		return Response{}, tooLarge(limit)
	}
	if err != nil {
		return Response{}, &TransportError{Err: err, begun: true}
	}
	return Response{Body: WithoutBOM(body), Header: resp.Header, Status: resp.StatusCode}, nil
}

// WithoutBOM returns document without the byte order mark before its JSON
// object, which a parser may ignore (RFC 8259, Section 8.1). Of anything else,
// such as a signed answer, it changes nothing.
func WithoutBOM(document []byte) []byte {
	rest, marked := bytes.CutPrefix(document, []byte("\ufeff"))
	if marked && bytes.HasPrefix(bytes.TrimLeft(rest, " \t\r\n"), []byte("{")) {
		return rest
	}
	return document
}

func tooLarge(limit int64) error {
	return fmt.Errorf("%w: want at most %d bytes", ErrTooLarge, limit)
}

func checkRedirect(req *http.Request, via []*http.Request) error {
	from, to := via[0].URL, req.URL
	switch {
	case via[0].Method != http.MethodGet:
		return fmt.Errorf("%w: of a %s", ErrRedirect, via[0].Method)
	case len(via) > maxRedirects:
		return fmt.Errorf("%w: %d in a row, want at most %d", ErrRedirect, len(via), maxRedirects)
	case originOf(from) != originOf(to):
		return fmt.Errorf("%w: to %q, want the origin %q", ErrRedirect, originOf(to), originOf(from))
	case to.User != nil:
		return fmt.Errorf("%w: to a URL with userinfo, want none", ErrRedirect)
	}
	return nil
}

// Package fetch makes this module's HTTP requests to authorization servers. It
// bounds their time, size, redirects and schemes.
//
// Its errors have no prefix, because its callers wrap them. They never quote a
// response body, or the userinfo or the query of a URL.
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

// MaxBody is the maximum size of a metadata document or a key set, in bytes after
// decompression.
const MaxBody = 1 << 20

// maxRedirects is how many redirects a request follows, all within one origin.
const maxRedirects = 3

// Client makes bounded requests. It is safe for concurrent use. Use [New].
type Client struct {
	http         *http.Client
	own          *http.Transport // nil: the caller owns the transport
	insecureHTTP bool
	connections  connections
}

// New returns a Client that uses a copy of base without its cookie jar, and follows
// redirects only within one origin. If base or its Transport is nil, the Client
// has a [NewTransport]. insecureHTTP allows http beyond loopback.
//
// After a timeout, which may be due to a dead connection, the Client closes the
// idle connections of its transport. For a RoundTripper of the caller, this
// requires a CloseIdleConnections method.
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

// CheckURL is [CheckURL] with the client's rule for http.
func (c *Client) CheckURL(raw string) (*url.URL, error) {
	return CheckURL(raw, c.insecureHTTP)
}

// CloseIdleConnections closes the idle connections of a transport that New made.
// It leaves those of a caller's transport open for its other users.
func (c *Client) CloseIdleConnections() {
	if c.own != nil {
		c.own.CloseIdleConnections()
	}
}

// Response is a response whose body was read to its end.
type Response struct {
	Body   []byte
	Header http.Header
	Status int
}

// Get requests rawURL, which must pass [Client.CheckURL], and reads a body of at
// most limit bytes. It returns a [*StatusError] for a status other than 200,
// [ErrTooLarge] for a larger body, [ErrRedirect] for a redirect that it does not
// follow, and a [*TransportError] if the server is unreachable, breaks off, or
// does not finish before ctx is done.
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

// Post sends form (application/x-www-form-urlencoded) and header to rawURL, and
// otherwise does what [Client.Get] does, with two exceptions. It follows no
// redirect, because a form may contain secrets. With a [*StatusError] it returns
// up to limit bytes of the body.
func (c *Client) Post(ctx context.Context, rawURL string, form url.Values, header http.Header, limit int64) (Response, error) {
	u, err := c.CheckURL(rawURL)
	if err != nil {
		return Response{}, err
	}
	req := post(ctx, u, form.Encode(), "application/x-www-form-urlencoded", header)
	return c.do(req, limit)
}

// PostJSON sends a document and header to rawURL, and otherwise does what
// [Client.Post] does. The status 201 is a success too.
func (c *Client) PostJSON(ctx context.Context, rawURL string, document []byte, header http.Header, limit int64) (Response, error) {
	u, err := c.CheckURL(rawURL)
	if err != nil {
		return Response{}, err
	}
	response, err := c.do(post(ctx, u, string(document), "application/json", header), limit+1)
	answer, ok := errors.AsType[*StatusError](err)
	switch {
	case !ok || answer.Status != http.StatusCreated:
		return response, err
	case int64(len(response.Body)) > limit:
		return Response{}, tooLarge(limit)
	}
	return response, nil
}

func post(ctx context.Context, u *url.URL, body, contentType string, header http.Header) *http.Request {
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
	req.Header.Set("Content-Type", contentType)
	return req
}

// IsReset reports whether a request failed because its connection broke before the
// response began. Either the server closed the connection while it was idle, or
// the connection was dead. A retry is likely to succeed.
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
			// An OAuth error response (RFC 6749, Section 5.2). A body that
			// breaks off fails to parse later.
			failed.Body, _ = io.ReadAll(io.LimitReader(resp.Body, limit))
		}
		failed.Body = WithoutBOM(failed.Body)
		return failed, &StatusError{Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header)}
	}
	if resp.ContentLength > limit {
		return Response{}, tooLarge(limit)
	}
	// The transport has decompressed the body, so limit bounds the memory.
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if int64(len(body)) > limit {
		return Response{}, tooLarge(limit)
	}
	if err != nil {
		return Response{}, &TransportError{Err: err, begun: true}
	}
	return Response{Body: WithoutBOM(body), Header: resp.Header, Status: resp.StatusCode}, nil
}

// WithoutBOM removes a byte order mark before a JSON object, which a parser may
// ignore (RFC 8259, Section 8.1). It returns anything else, such as a signed
// response, unchanged.
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
		return fmt.Errorf("%w: the request is a %s", ErrRedirect, via[0].Method)
	case len(via) > maxRedirects:
		return fmt.Errorf("%w: it is number %d in a row, want at most %d", ErrRedirect, len(via), maxRedirects)
	case originOf(from) != originOf(to):
		return fmt.Errorf("%w: it leads to %q, want the origin %q", ErrRedirect, originOf(to), originOf(from))
	case to.User != nil:
		return fmt.Errorf("%w: it leads to a URL with userinfo, want none", ErrRedirect)
	}
	return nil
}

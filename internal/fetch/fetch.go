// Package fetch makes the HTTP requests that this module sends to
// authorization servers: bounded in time, size, redirects and scheme.
//
// Its errors have no prefix, since the packages that call it put them into
// sentences of their own. They never quote a response body, the userinfo or
// the query of a URL.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
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
}

// New returns a client that sends its requests by a copy of base, without its
// cookie jar, and follows redirects within one origin only. With a nil base,
// or one without a Transport, it has a transport of its own, whose timeouts
// end each phase of a request. insecureHTTP allows http beyond loopback.
func New(base *http.Client, insecureHTTP bool) *Client {
	c := &Client{http: new(http.Client), insecureHTTP: insecureHTTP}
	if base != nil {
		*c.http = *base
	}
	if c.http.Transport == nil {
		c.own = newTransport()
		c.http.Transport = c.own
	}
	// RFC 8725, Section 3.10 asks for requests without cookies.
	c.http.Jar = nil
	c.http.CheckRedirect = checkRedirect
	return c
}

func newTransport() *http.Transport {
	t, ok := http.DefaultTransport.(*http.Transport)
	if ok {
		t = t.Clone()
	} else {
		t = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	}
	t.DialContext = (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	t.TLSHandshakeTimeout = 5 * time.Second
	t.ResponseHeaderTimeout = 8 * time.Second
	t.ExpectContinueTimeout = time.Second
	t.IdleConnTimeout = 90 * time.Second
	// net/http keeps 2 by default, so that concurrent introspection would open
	// a connection for nearly every request.
	t.MaxIdleConnsPerHost = 32
	t.MaxResponseHeaderBytes = 64 << 10
	return t
}

// CheckURL is [CheckURL] under the client's rule for http.
func (c *Client) CheckURL(raw string) (*url.URL, error) {
	return CheckURL(raw, c.insecureHTTP)
}

// CloseIdleConnections closes the idle connections of the transport that New
// made. A transport that came with the caller's http.Client is left alone.
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
// an answer began, as one does that the server closed while it was idle: a
// second try is likely to work.
func IsReset(err error) bool {
	transport, ok := errors.AsType[*TransportError](err)
	return ok && !transport.begun &&
		(errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF))
}

func (c *Client) do(req *http.Request, limit int64) (Response, error) {
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
		return Response{}, &TransportError{Err: err}
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		failed := Response{Header: resp.Header, Status: resp.StatusCode}
		if req.Method == http.MethodPost {
			// An OAuth error response (RFC 6749, Section 5.2), if it is whole.
			failed.Body, _ = io.ReadAll(io.LimitReader(resp.Body, limit))
		}
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
	return Response{Body: body, Header: resp.Header, Status: resp.StatusCode}, nil
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

// Package wire makes the requests with which bearer examines a server. It bounds
// their number, time and size, and follows no redirect to another origin.
//
// A doctor must see the sick: a Client goes on if a certificate is not valid, and
// reports what is wrong with it in [Response.Certificate]. So never send a secret
// with a Client.
package wire

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/finding"
)

const (
	maxBody      = 1 << 20
	maxHeader    = 64 << 10
	maxRedirects = 3
)

// ErrTooManyRequests is the error of a request beyond Config.MaxRequests.
var ErrTooManyRequests = errors.New("the limit of requests is reached")

// Config configures a Client. All fields are optional.
type Config struct {
	Roots       *x509.CertPool // default: those of the system
	Timeout     time.Duration  // of a connection and of a request; default: 10 s
	MaxRequests int            // default: 20

	// Resolve and Dial replace DNS and the network. Default: those of package net.
	Resolve func(ctx context.Context, host string) ([]string, error)
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
}

// Client makes bounded requests without a proxy. Use New.
type Client struct {
	config    Config
	transport *http.Transport
	requests  atomic.Int64
}

// New returns a Client. Call Close when done.
func New(c Config) *Client {
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	c.MaxRequests = cmp.Or(c.MaxRequests, 20)
	if c.Resolve == nil {
		c.Resolve = net.DefaultResolver.LookupHost
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	client := &Client{config: c}
	client.transport = &http.Transport{
		DialContext:            c.Dial,
		TLSClientConfig:        client.examined(),
		TLSHandshakeTimeout:    c.Timeout,
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: maxHeader,
	}
	return client
}

// examined returns the TLS configuration of a server whose certificate is examined
// after the handshake. It allows old versions in order to name them.
func (c *Client) examined() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, RootCAs: c.config.Roots}
}

// Close closes idle connections.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Requests returns how many requests were made.
func (c *Client) Requests() int { return int(min(c.requests.Load(), int64(c.config.MaxRequests))) }

// Request is a request without a body. The zero Method is GET.
type Request struct {
	Method, URL string
	Header      http.Header
}

// Response is the answer to a Request.
type Response struct {
	URL       *url.URL // differs from the request's after a redirect
	Status    int
	Header    http.Header
	Body      []byte // at most 1 MiB
	Truncated bool   // the body is longer

	// Location is the target of a redirect that was not followed.
	Location *url.URL

	// Certificate says what is wrong with the server's certificate.
	Certificate []finding.Finding

	// Clock is how far the server's clock is ahead of this machine's. Date has
	// whole seconds, so Clock is exact to about a second. HasClock is false if
	// the answer has no Date, or comes from a cache.
	Clock    time.Duration
	HasClock bool
}

// Do makes one request, and follows no redirect.
func (c *Client) Do(ctx context.Context, r Request) (Response, error) {
	if c.requests.Add(1) > int64(c.config.MaxRequests) {
		return Response{}, ErrTooManyRequests
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, cmp.Or(r.Method, http.MethodGet), r.URL, nil)
	if err != nil {
		return Response{}, err
	}
	for name, values := range r.Header {
		request.Header[name] = values
	}
	request.Header.Set("User-Agent", "bearer-probe (+https://github.com/bearerkit/bearerkit)")
	sent := time.Now()
	var began atomic.Bool
	request = request.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotFirstResponseByte: func() { began.Store(true) }}))
	answer, err := c.transport.RoundTrip(request)
	if err != nil {
		return Response{}, answerError{err, began.Load()}
	}
	defer answer.Body.Close()
	received := time.Now()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxBody+1))
	if err != nil {
		return Response{}, fmt.Errorf("the body broke off: %w", err)
	}
	response := Response{URL: request.URL, Status: answer.StatusCode, Header: answer.Header, Body: body}
	if len(body) > maxBody {
		response.Body, response.Truncated = body[:maxBody], true
	}
	if answer.TLS != nil {
		response.Certificate = c.Certificate(*answer.TLS, request.URL.Hostname())
	}
	if answer.StatusCode/100 == 3 {
		response.Location, _ = answer.Location()
	}
	if date, err := http.ParseTime(answer.Header.Get("Date")); err == nil && answer.Header.Get("Age") == "" {
		middle := sent.Add(received.Sub(sent) / 2)
		// On average, the Date is half a second behind.
		response.Clock, response.HasClock = date.Add(time.Second/2).Sub(middle), true
	}
	return response, nil
}

// answerError is the error of a request without an answer.
type answerError struct {
	error
	began bool // the server has sent something
}

func (e answerError) Unwrap() error { return e.error }

// Follow is Do, but follows up to three redirects within the origin.
func (c *Client) Follow(ctx context.Context, r Request) (Response, error) {
	for n := 0; ; n++ {
		response, err := c.Do(ctx, r)
		if err != nil || response.Location == nil || n == maxRedirects || !SameOrigin(response.URL, response.Location) {
			return response, err
		}
		r.URL = response.Location.String()
	}
}

// SameOrigin reports whether two URLs have the same scheme, host and port.
func SameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && Address(a) == Address(b) }

// Address returns the host and port of a URL.
func Address(u *url.URL) string {
	port := map[string]string{"http": "80", "https": "443"}[u.Scheme]
	return net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port))
}

// Resolve returns the addresses of a host.
func (c *Client) Resolve(ctx context.Context, host string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	return c.config.Resolve(ctx, host)
}

// Connect connects to a host and port.
func (c *Client) Connect(ctx context.Context, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	return c.config.Dial(ctx, "tcp", address)
}

// Handshake connects to a host and port with TLS, whatever the certificate.
func (c *Client) Handshake(ctx context.Context, address string) (tls.ConnectionState, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	conn, err := c.config.Dial(ctx, "tcp", address)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer conn.Close()
	config := c.examined()
	config.ServerName, _, _ = net.SplitHostPort(address)
	config.NextProtos = []string{"h2", "http/1.1"}
	client := tls.Client(conn, config)
	if err := client.HandshakeContext(ctx); err != nil {
		return tls.ConnectionState{}, err
	}
	return client.ConnectionState(), nil
}

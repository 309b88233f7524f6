package fetch

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// pingAfter and pingTimeout detect a dead HTTP/2 connection within 6 s: one
	// that a NAT or a load balancer has dropped without a reset. HTTP/1.1 needs
	// no ping, because net/http closes a connection whose request timed out.
	pingAfter   = 3 * time.Second
	pingTimeout = 3 * time.Second
)

// NewTransport returns the default transport of a [Client]. It has a timeout for
// each phase of a request, and detects dead connections.
func NewTransport() *http.Transport {
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
	// With the default of net/http, 2, concurrent introspection would open a
	// connection for nearly every request.
	t.MaxIdleConnsPerHost = 32
	t.MaxResponseHeaderBytes = 64 << 10
	t.HTTP2 = &http.HTTP2Config{
		SendPingTimeout: pingAfter, PingTimeout: pingTimeout, WriteByteTimeout: pingTimeout,
	}
	return t
}

// connections remembers whether the open connections may be dead. A request that
// times out may have used a dead connection, which would swallow the following
// requests too. Therefore the next request first closes the idle connections. Until
// a request succeeds, no connection is used for a second request. This also retires
// an HTTP/2 connection that is never idle, and works with any RoundTripper.
//
// If other requests succeed meanwhile, the timeout may concern only one request,
// such as one on which an attacker makes the server hang. Then the idle
// connections are closed at most once in closeEvery.
type connections struct {
	suspect   atomic.Bool // from a timeout to the next response
	closeIdle atomic.Bool // close idle connections before the next request

	mu     sync.Mutex
	answer time.Time // when the last response came
	closed time.Time // when closeIdle was last set
}

const closeEvery = 5 * time.Second

// prepare returns the request to send. Once it is sent, reused tells whether its
// connection had been used before.
//
// The transport may be the caller's. Closing its idle connections costs its other
// users at most a new connection.
func (c *connections) prepare(req *http.Request, client *http.Client) (_ *http.Request, reused *atomic.Bool) {
	if c.closeIdle.Swap(false) {
		client.CloseIdleConnections()
	}
	reused = new(atomic.Bool)
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { reused.Store(info.Reused) }}
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), trace))
	req.Close = c.suspect.Load()
	return req, reused
}

// timedOut notes that a request sent at the time sent timed out.
func (c *connections) timedOut(sent time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	alone := c.answer.After(sent)
	if alone && now.Sub(c.closed) < closeEvery {
		return
	}
	c.closed = now
	c.closeIdle.Store(true)
	if !alone {
		c.suspect.Store(true)
	}
}

// answered notes that a response came.
func (c *connections) answered() {
	c.suspect.Store(false)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = time.Now()
}

// isTimeout reports whether a request failed because it took too long. It is false
// if the caller canceled the request.
func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

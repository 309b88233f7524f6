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
	// pingAfter and pingTimeout find a dead HTTP/2 connection within 6 s: a
	// NAT or a load balancer has forgotten it, and no packet of it arrives any
	// more. HTTP/1.1 needs no ping, since net/http closes a connection whose
	// request has timed out.
	pingAfter   = 3 * time.Second
	pingTimeout = 3 * time.Second
)

// NewTransport returns the transport of a [Client] without one of the
// caller's: its timeouts end each phase of a request, and it finds dead
// connections.
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
	// net/http keeps 2 by default, so that concurrent introspection would open
	// a connection for nearly every request.
	t.MaxIdleConnsPerHost = 32
	t.MaxResponseHeaderBytes = 64 << 10
	t.HTTP2 = &http.HTTP2Config{
		SendPingTimeout: pingAfter, PingTimeout: pingTimeout, WriteByteTimeout: pingTimeout,
	}
	return t
}

// connections remembers whether the connections at hand may be dead. A request
// that times out may have been sent on a dead connection, which would swallow
// the following requests too. So the next request closes the idle connections
// first, and until a request succeeds each request is the last of its
// connection. The latter also retires an HTTP/2 connection that is never idle,
// and works through any RoundTripper of the caller's.
//
// While other requests are answered, a timeout may be that of one request alone,
// such as one that an attacker made the server hang on: then the idle
// connections are closed once in closeEvery at most.
type connections struct {
	suspect   atomic.Bool // since a timeout, until an answer
	closeIdle atomic.Bool // before the next request

	mu     sync.Mutex
	answer time.Time // when the last answer came
	closed time.Time // when idle connections were last to be closed
}

const closeEvery = 5 * time.Second

// prepare returns req as it is to be sent, and whether it is sent on a
// connection that was used before.
//
// The transport may be the caller's. Closing its idle connections costs its
// other users a new connection at most.
func (c *connections) prepare(req *http.Request, client *http.Client) (*http.Request, *atomic.Bool) {
	if c.closeIdle.Swap(false) {
		client.CloseIdleConnections()
	}
	reused := new(atomic.Bool)
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { reused.Store(info.Reused) }}
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), trace))
	req.Close = c.suspect.Load()
	return req, reused
}

// timedOut notes a request that was sent at that time and timed out.
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

// answered notes an answer.
func (c *connections) answered() {
	c.suspect.Store(false)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = time.Now()
}

// isTimeout reports whether err is one of a request that took too long. That
// the caller went away does not count.
func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

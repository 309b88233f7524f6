package fuzz_test

import (
	"bytes"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
)

// conn is the server's end of a connection in memory: the client sends input, and
// then waits until it ends its side.
type conn struct {
	mu       sync.Mutex
	input    []byte
	output   bytes.Buffer
	deadline time.Time
	ended    bool // by the client, who still reads
	closed   bool
	changed  chan struct{} // closed when any of the three changes
}

func newConn(input []byte) *conn { return &conn{input: input, changed: make(chan struct{})} }

func (c *conn) Read(p []byte) (int, error) {
	for {
		c.mu.Lock()
		changed := c.changed
		switch {
		case c.closed:
			c.mu.Unlock()
			return 0, io.EOF
		case !c.deadline.IsZero() && !time.Now().Before(c.deadline):
			c.mu.Unlock()
			return 0, os.ErrDeadlineExceeded
		case len(c.input) > 0:
			n := copy(p, c.input)
			c.input = c.input[n:]
			c.mu.Unlock()
			return n, nil
		case c.ended:
			c.mu.Unlock()
			return 0, io.EOF
		}
		c.mu.Unlock()
		<-changed
	}
}

func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, net.ErrClosed
	}
	return c.output.Write(p)
}

func (c *conn) change(f func()) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	close(c.changed)
	c.changed = make(chan struct{})
	return nil
}

func (c *conn) Close() error                      { return c.change(func() { c.closed = true }) }
func (c *conn) SetReadDeadline(t time.Time) error { return c.change(func() { c.deadline = t }) }
func (c *conn) SetDeadline(t time.Time) error     { return c.SetReadDeadline(t) }
func (c *conn) SetWriteDeadline(time.Time) error  { return nil }
func (c *conn) LocalAddr() net.Addr               { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 9), Port: 443} }
func (c *conn) RemoteAddr() net.Addr              { return &net.TCPAddr{IP: net.ParseIP(peerAddress), Port: 1234} }

// listener accepts one connection.
type listener struct {
	one    chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.one:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}
func (l *listener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *listener) Addr() net.Addr { return &net.TCPAddr{} }

// seen is a request as the server handed it to the framework, and what became of
// it.
type seen struct {
	method, path string
	header       http.Header
	refused      *bearer.Event
	admitted     bool // the handler ran
	known        bool // the handler found a principal
	panicked     any
}

// exchange is what one API did with the bytes of a connection.
type exchange struct {
	requests []*seen
	output   []byte
	logged   bytes.Buffer
	server   bytes.Buffer // the log of net/http
	bytes    uint64       // allocated, without what was built
	built    uint64       // allocated for verifiers, which a program builds once

	keyless *jwks.Verifier
	asker   *introspect.Verifier
	proofs  *dpop.Checker
	ends    []func() // of the three
}

// serveConn serves the bytes of a connection in a bubble of its own, so that it is the
// same time for each API.
func (a *api) serveConn(t *testing.T, input []byte) *exchange {
	a.x = &exchange{}
	synctest.Test(t, func(t *testing.T) { a.x.run(a, input) })
	return a.x
}

// run serves the bytes of a connection, and stops the server.
func (x *exchange) run(a *api, input []byte) {
	running := make(chan struct{}, 1<<10)
	srv := &http.Server{
		ErrorLog: log.New(&x.server, "", 0), DisableGeneralOptionsHandler: true,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			running <- struct{}{}
			defer func() { <-running }()
			x.serve(a, w, r)
		}),
	}
	c, l := newConn(input), &listener{one: make(chan net.Conn, 1), closed: make(chan struct{})}
	l.one <- c
	before := allocated()
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(l) }()
	settle(running)
	_ = c.change(func() { c.ended = true }) // a request may be incomplete
	settle(running)
	x.bytes = allocated() - before - x.built
	_ = srv.Close()
	<-done
	for _, end := range x.ends {
		end()
	}
	synctest.Wait()
	x.output = c.output.Bytes()
}

// settle waits until the server has nothing to do: all goroutines wait, and no
// handler is running. A handler that waits for a timer gets its time. One that waits
// for the client does not get more.
func settle(running chan struct{}) {
	synctest.Wait()
	for range 20 {
		if len(running) == 0 {
			return
		}
		<-time.After(time.Second)
		synctest.Wait()
	}
}

// serve passes a request to the framework, and records it.
func (x *exchange) serve(a *api, w http.ResponseWriter, r *http.Request) {
	a.setup.connection(r)
	request := &seen{method: r.Method, path: r.URL.Path, header: r.Header.Clone()}
	x.requests = append(x.requests, request)
	defer func() {
		if request.panicked = recover(); request.panicked != nil {
			stack := make([]byte, 4<<10)
			x.server.Write(stack[:runtime.Stack(stack, false)])
		}
	}()
	a.handler.ServeHTTP(w, r)
}

func (x *exchange) last() *seen { return x.requests[len(x.requests)-1] }

// allocated returns how many bytes the process has allocated so far.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
)

// pipes is a listener for in-memory connections.
type pipes struct {
	connections chan net.Conn
	closed      chan struct{}
	once        sync.Once
}

func newPipes() *pipes {
	return &pipes{connections: make(chan net.Conn), closed: make(chan struct{})}
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.connections <- far:
		return near, nil
	case <-p.closed:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.connections:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }

// closer is a transport that closes what its users leave open: a library that does
// not close a body would keep the bubble from ending.
type closer struct {
	*http.Transport
	mu     sync.Mutex
	bodies []io.Closer
}

func (c *closer) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := c.Transport.RoundTrip(r)
	if err == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.bodies = append(c.bodies, response.Body)
	}
	return response, err
}

func (c *closer) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, body := range c.bodies {
		_ = body.Close()
	}
	c.CloseIdleConnections()
}

// Package nettest simulates a failing network for tests. It has a TCP proxy on
// loopback whose connections drop bytes, stall, break or answer late.
package nettest

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Mode says what a connection through a [Proxy] does with bytes.
type Mode int32

const (
	// Forward passes bytes on.
	Forward Mode = iota
	// Swallow reads bytes and drops them, like a NAT or load balancer that has
	// lost the connection. Neither end learns that the other has closed.
	Swallow
	// Stall stops reading, so the sender's buffers fill up.
	Stall
)

// Proxy forwards TCP connections to one address and simulates faults on them.
// It is safe for concurrent use.
type Proxy struct {
	listener net.Listener
	target   string
	accepted atomic.Int64
	work     sync.WaitGroup

	mu     sync.Mutex
	closed bool
	mode   Mode // of new connections
	delay  time.Duration
	links  map[*link]bool
}

// NewProxy starts a proxy to target, a host:port. The proxy stops when the test
// ends.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: listener, target: target, links: map[*link]bool{}}
	p.work.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// Addr returns the host:port of the proxy.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Accepted returns the number of connections accepted so far.
func (p *Proxy) Accepted() int { return int(p.accepted.Load()) }

// SetOpen sets the mode of the connections that are open now.
func (p *Proxy) SetOpen(m Mode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.mode.Store(int32(m))
	}
}

// SetNew sets the mode of new connections.
func (p *Proxy) SetNew(m Mode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode = m
}

// SetDelay delays everything that the target sends.
func (p *Proxy) SetDelay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Reset breaks the connections that are open now. Both ends see a reset.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.reset()
	}
}

// AwaitClosed waits until the clients have closed all connections that are open
// now. If ctx ends first, it returns ctx.Err().
func (p *Proxy) AwaitClosed(ctx context.Context) error {
	p.mu.Lock()
	var open []*link
	for l := range p.links {
		open = append(open, l)
	}
	p.mu.Unlock()
	for _, l := range open {
		select {
		case <-l.clientGone:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.accepted.Add(1)
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.begin(client, server)
	}
}

func (p *Proxy) begin(client, server net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := &link{proxy: p, client: client, server: server, ended: make(chan struct{}), clientGone: make(chan struct{})}
	if p.closed {
		l.end()
		return
	}
	l.mode.Store(int32(p.mode))
	p.links[l] = true
	p.work.Go(func() {
		l.copy(server, client, false)
		close(l.clientGone)
	})
	p.work.Go(func() { l.copy(client, server, true) })
}

func (p *Proxy) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	p.closed = true
	for l := range p.links {
		l.end()
	}
	p.mu.Unlock()
	p.work.Wait()
}

// link is a connection through the proxy.
type link struct {
	proxy          *Proxy
	client, server net.Conn
	mode           atomic.Int32
	once           sync.Once
	ended          chan struct{}
	clientGone     chan struct{} // closed when the client has closed its end
}

func (l *link) end() {
	l.once.Do(func() {
		close(l.ended)
		_ = l.client.Close()
		_ = l.server.Close()
	})
}

func (l *link) reset() {
	for _, c := range []net.Conn{l.client, l.server} {
		_ = c.(*net.TCPConn).SetLinger(0)
	}
	l.end()
}

// copy forwards bytes from one end to the other until the sender closes. answer
// says that they come from the target.
func (l *link) copy(to, from net.Conn, answer bool) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if answer && n > 0 {
			l.proxy.mu.Lock()
			delay := l.proxy.delay
			l.proxy.mu.Unlock()
			l.pause(delay)
		}
		switch Mode(l.mode.Load()) {
		case Swallow:
			if err != nil {
				return // without closing the other end
			}
			continue
		case Stall:
			<-l.ended
			return
		}
		if n > 0 {
			if _, failed := to.Write(buffer[:n]); failed != nil {
				err = failed
			}
		}
		if err != nil {
			l.proxy.forget(l)
			l.end()
			return
		}
	}
}

func (p *Proxy) forget(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}

func (l *link) pause(d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.ended:
	}
}

package bearertest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
)

// memoryListener accepts connections in memory.
type memoryListener struct {
	connections chan net.Conn

	mu   sync.Mutex
	down chan struct{} // closed while the listener is closed
}

func newMemoryListener() *memoryListener {
	return &memoryListener{connections: make(chan net.Conn)}
}

func (l *memoryListener) open() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = make(chan struct{})
}

func (l *memoryListener) state() chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.down
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.connections:
		return c, nil
	case <-l.state():
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.down:
	default:
		close(l.down)
	}
	return nil
}

func (l *memoryListener) Addr() net.Addr { return memoryAddr{} }

type memoryAddr struct{}

func (memoryAddr) Network() string { return "memory" }
func (memoryAddr) String() string  { return "memory" }

// client returns a client that connects to l for every URL, for https without TLS.
func (l *memoryListener) client() *http.Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		near, far := newMemoryPipe()
		select {
		case l.connections <- far:
			return near, nil
		case <-l.state():
			return nil, errors.New("bearertest: connection refused")
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial, DialTLSContext: dial}}
}

// memoryConn is a net.Pipe that can be reset, as a TCP connection can.
type memoryConn struct {
	net.Conn
	reset *atomic.Bool // shared by both ends
}

func newMemoryPipe() (near, far net.Conn) {
	near, far = net.Pipe()
	reset := new(atomic.Bool)
	return memoryConn{near, reset}, memoryConn{far, reset}
}

// SetLinger works like net.TCPConn.SetLinger: zero makes Close reset the
// connection.
func (c memoryConn) SetLinger(seconds int) error {
	c.reset.Store(seconds == 0)
	return nil
}

func (c memoryConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == io.EOF && c.reset.Load() {
		err = &net.OpError{Op: "read", Net: "memory", Err: syscall.ECONNRESET}
	}
	return n, err
}

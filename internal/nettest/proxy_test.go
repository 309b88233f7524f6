package nettest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/internal/nettest"
)

// echo starts a server that sends back what it reads, until the test ends. It
// returns the server's address.
func echo(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { // ends when the proxy closes the connection
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	return listener.Addr().String()
}

// answer sends a byte and reads the answer. It returns the first error.
func answer(conn net.Conn, patience time.Duration) error {
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	_, err := conn.Write([]byte("x"))
	if err == nil {
		_, err = conn.Read(make([]byte, 1))
	}
	return err
}

func dial(t *testing.T, p *nettest.Proxy) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := answer(conn, 10*time.Second); err != nil {
		t.Fatalf("a new connection: %v", err)
	}
	return conn
}

func TestProxy(t *testing.T) {
	const little = 100 * time.Millisecond
	p := nettest.NewProxy(t, echo(t))
	for _, mode := range []nettest.Mode{nettest.Swallow, nettest.Stall} {
		conn := dial(t, p)
		p.SetOpen(mode)
		if err := answer(conn, little); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("mode %d: %v; want no answer", mode, err)
		}
		dial(t, p) // new connections work
	}
	broken := dial(t, p)
	p.Reset()
	if err := answer(broken, 10*time.Second); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
		t.Errorf("after Reset: %v; want a reset", err)
	}
	late := dial(t, p)
	p.SetDelay(time.Minute)
	if err := answer(late, little); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("with a delay: %v; want no answer yet", err)
	}
	p.SetDelay(0)

	last := dial(t, p)
	p.SetOpen(nettest.Swallow)
	ctx, cancel := context.WithTimeout(t.Context(), little)
	defer cancel()
	if err := p.AwaitClosed(ctx); err == nil {
		t.Error("AwaitClosed does not wait for a connection that is open")
	}
	if p.Accepted() != 7 {
		t.Errorf("%d connections were accepted; want 7", p.Accepted())
	}
	last.Close()
}

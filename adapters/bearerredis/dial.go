package bearerredis

import (
	"context"
	"crypto/tls"
	"net"
	"syscall"
	"time"
)

type dial = func(ctx context.Context, network, address string) (net.Conn, error)

// dialFunc returns a function that connects, over TLS if config is not nil.
func dialFunc(config *tls.Config) dial {
	plain := &net.Dialer{
		Timeout: dialTimeout,
		// This detects a dead peer within 8 s.
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: time.Second, Count: 3},
	}
	if config != nil {
		return (&tls.Dialer{NetDialer: plain, Config: config}).DialContext
	}
	return plain.DialContext
}

// dialer returns a dial function for the go-redis client. If connect fails, the
// function returns a connection that fails on first use: go-redis would write a
// dial error to standard error, through a logger that the whole program shares.
func dialer(connect dial) dial {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := connect(ctx, network, address)
		if err != nil {
			return failedConn{&dialError{err}}, nil
		}
		return conn, nil
	}
}

type dialError struct{ err error }

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }

// failedConn stands for a connection that could not be established. Its methods
// return the error of the attempt.
type failedConn struct{ err error }

func (c failedConn) Read([]byte) (int, error)         { return 0, c.err }
func (c failedConn) Write([]byte) (int, error)        { return 0, c.err }
func (c failedConn) Close() error                     { return nil }
func (c failedConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c failedConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c failedConn) SetDeadline(time.Time) error      { return nil }
func (c failedConn) SetReadDeadline(time.Time) error  { return nil }
func (c failedConn) SetWriteDeadline(time.Time) error { return nil }

// SyscallConn returns an error, which tells the go-redis client that the
// connection is dead.
func (c failedConn) SyscallConn() (syscall.RawConn, error) { return nil, c.err }

package bearerredis

import (
	"context"
	"crypto/tls"
	"net"
	"syscall"
	"time"
)

// dialer returns how the client connects. What fails to connect is no error,
// but a connection that fails when it is used: an error goes to the client's
// log, which is standard error, and which all of a program has in common.
func dialer(config *tls.Config) func(ctx context.Context, network, address string) (net.Conn, error) {
	plain := &net.Dialer{
		Timeout: dialTimeout,
		// A peer that vanished without a word is found dead within 8 s.
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: time.Second, Count: 3},
	}
	dial := plain.DialContext
	if config != nil {
		dial = (&tls.Dialer{NetDialer: plain, Config: config}).DialContext
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return unconnected{&dialError{err}}, nil
		}
		return conn, nil
	}
}

type dialError struct{ err error }

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }

// unconnected is a connection to nowhere.
type unconnected struct{ err error }

func (c unconnected) Read([]byte) (int, error)         { return 0, c.err }
func (c unconnected) Write([]byte) (int, error)        { return 0, c.err }
func (c unconnected) Close() error                     { return nil }
func (c unconnected) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c unconnected) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c unconnected) SetDeadline(time.Time) error      { return nil }
func (c unconnected) SetReadDeadline(time.Time) error  { return nil }
func (c unconnected) SetWriteDeadline(time.Time) error { return nil }

// SyscallConn is where the client looks whether an idle connection is alive.
func (c unconnected) SyscallConn() (syscall.RawConn, error) { return nil, c.err }

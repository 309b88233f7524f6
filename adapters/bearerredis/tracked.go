package bearerredis

import (
	"errors"
	"net"
	"syscall"
)

// trackedConn is a connection to the master, which sentinels close when the
// master changes.
type trackedConn struct {
	net.Conn
	forget func()
}

func (c *trackedConn) Close() error {
	c.forget()
	return c.Conn.Close()
}

// checkedConn is a trackedConn without TLS. Through SyscallConn go-redis finds
// idle connections that are dead.
type checkedConn struct {
	*trackedConn
	syscall.Conn
}

// track returns conn, which leads to the given address, as a connection that is
// closed when the master changes.
func (s *sentinels) track(conn net.Conn, address string) (net.Conn, error) {
	tracked := &trackedConn{Conn: conn}
	tracked.forget = func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.conns, tracked)
	}
	s.mu.Lock()
	moved := s.master.address != address
	if !moved {
		s.conns[tracked] = address
	}
	s.mu.Unlock()
	if moved {
		_ = conn.Close() // nothing was sent
		return nil, errors.New("the master changed during the connection attempt")
	}
	if raw, ok := conn.(syscall.Conn); ok {
		return checkedConn{tracked, raw}, nil
	}
	return tracked, nil
}

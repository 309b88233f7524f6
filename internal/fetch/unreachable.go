package fetch

import (
	"crypto/tls"
	"errors"
	"net"
)

// IsUnreachable reports whether a request failed before any of it was sent: the
// host has no address, accepts no connection, or has no valid certificate.
func IsUnreachable(err error) bool {
	if transport, ok := errors.AsType[*TransportError](err); !ok || transport.begun {
		return false
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return true
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	_, ok := errors.AsType[tls.RecordHeaderError](err)
	return ok
}

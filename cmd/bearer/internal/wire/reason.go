package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"syscall"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/finding"
)

// Limited is the finding about something that was not examined, because of
// [ErrTooManyRequests].
func Limited() finding.Finding {
	return finding.Finding{Code: "request-limit", Severity: finding.Warning,
		Text: "not examined: " + ErrTooManyRequests.Error(), Do: "examine the issuer by itself, with bearer issuer"}
}

// Reason says in plain words why a request got no answer. The code is stable; do is
// what to do.
func Reason(err error) (code, text, do string) {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "not-tls", "the server does not speak TLS on this port", "check the port, or enable TLS there"
	}
	if alert, ok := errors.AsType[tls.AlertError](err); ok {
		return "tls-alert", "the server refused the TLS handshake: " + finding.Clip(alert.Error()), "read the server's log: it may want another name, version or client certificate"
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && !dns.IsTimeout {
		return "dns", "the host has no address", "check the spelling of the host, and the DNS record"
	}
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled", "it was interrupted", "start it again"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout", "no answer came in time", "check that the server is alive and that no firewall drops packets; --timeout waits longer"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused", "the connection was refused: nothing listens there", "start the server, or check the port and the address it listens on"
	case errors.Is(err, http.ErrSchemeMismatch):
		return "not-tls", "the server does not speak TLS on this port", "check the port, or enable TLS there"
	case isProtocolError(err):
		return "header-malformed", "a header field of the answer is malformed, so clients drop the whole answer", "look for control characters and line breaks in the values of the fields"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "closed", "the server closed the connection without an answer", "read the server's log; the server may want https, or HTTP/2 only, or a proxy may have no backend"
	}
	// net/http has no types for these two, so what came tells them from the rest.
	if answer, ok := errors.AsType[answerError](err); ok && answer.began {
		return "not-http", fmt.Sprintf("the answer is not HTTP/1.1, or its header is longer than %d KiB", maxHeader>>10), "check the port: another protocol may listen there, such as TLS, or HTTP/2 without TLS; or send fewer and shorter header fields"
	}
	return "network", finding.Clip(err.Error()), "check the network between this machine and the server"
}

// isProtocolError reports whether err is about a malformed header field.
func isProtocolError(err error) bool {
	_, ok := errors.AsType[textproto.ProtocolError](err)
	return ok
}

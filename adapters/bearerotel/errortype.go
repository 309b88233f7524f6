package bearerotel

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strconv"

	"go.opentelemetry.io/otel/attribute"

	"github.com/bearerkit/bearerkit/internal/fetch"
)

func appendErrorType(labels []attribute.KeyValue, err error) []attribute.KeyValue {
	if err == nil {
		return labels
	}
	return append(labels, attribute.String(errorTypeKey, errorType(err)))
}

// errorType returns the value of error.type for a call of an authorization server.
// It is one of a few.
func errorType(err error) string {
	var status *fetch.StatusError
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var transport *fetch.TransportError
	switch {
	case errors.As(err, &status):
		if http.StatusText(status.Status) == "" {
			return other
		}
		return strconv.Itoa(status.Status)
	case errors.As(err, &dns):
		return "dns"
	case errors.As(err, &certificate):
		return "certificate"
	case isTimeout(err):
		return "timeout"
	case errors.As(err, &transport):
		return "connection"
	case errors.Is(err, fetch.ErrTooLarge):
		return "too_large"
	case errors.Is(err, fetch.ErrRedirect):
		return "redirect"
	}
	return "invalid_response"
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// statusOf returns the status of the response, or 0 if it is not known.
func statusOf(err error) int {
	var status *fetch.StatusError
	switch {
	case err == nil:
		return http.StatusOK
	case errors.As(err, &status):
		return status.Status
	}
	return 0
}

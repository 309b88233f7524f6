package fetch

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// ErrTooLarge is the error of a body that is longer than the limit.
var ErrTooLarge = errors.New("the body is too large")

// ErrRedirect is the error of a redirect that is not followed: to another
// origin, to a URL with userinfo, or one too many.
var ErrRedirect = errors.New("a redirect that is not followed")

// StatusError is the error of a response whose status is not 200.
type StatusError struct {
	Status int
	// RetryAfter is what the response's Retry-After asks for, at most an hour;
	// zero if it asks for nothing.
	RetryAfter time.Duration
}

func (e *StatusError) Error() string {
	if text := http.StatusText(e.Status); text != "" {
		return fmt.Sprintf("the answer's status is %d %s, want 200", e.Status, text)
	}
	return fmt.Sprintf("the answer's status is %d, want 200", e.Status)
}

// TransportError is the error of a request that got no whole answer. It wraps
// what the transport said, whose text may quote what the server sent; the text
// of the TransportError does not.
type TransportError struct {
	Err    error
	begun  bool // the answer had begun
	reused bool // the connection had served another request before
}

// quoted matches what net/http quotes in its errors: URLs, header fields and
// whatever came where a status line was due.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

func (e *TransportError) Error() string {
	return "no whole answer: " + quoted.ReplaceAllString(e.Err.Error(), `"…"`)
}

func (e *TransportError) Unwrap() error { return e.Err }

const maxRetryAfter = time.Hour

// retryAfter reads both forms of RFC 9110, Section 10.2.3.
func retryAfter(h http.Header) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	var d time.Duration
	if n, err := strconv.ParseUint(value, 10, 31); err == nil {
		d = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		d = time.Until(at)
	}
	return min(max(d, 0), maxRetryAfter)
}

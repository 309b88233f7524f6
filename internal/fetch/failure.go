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

// ErrTooLarge is the error of a body that exceeds the limit.
var ErrTooLarge = errors.New("the body is too large")

// ErrRedirect is the error of a redirect that is not followed, because it leads to
// another origin or to a URL with userinfo, or because there were too many.
var ErrRedirect = errors.New("redirect not followed")

// StatusError is the error of a response whose status is not 200.
type StatusError struct {
	Status int
	// RetryAfter is the response's Retry-After, at most an hour. It is zero if
	// there was none.
	RetryAfter time.Duration
}

func (e *StatusError) Error() string {
	if text := http.StatusText(e.Status); text != "" {
		return fmt.Sprintf("the response status is %d %s, want 200", e.Status, text)
	}
	return fmt.Sprintf("the response status is %d, want 200", e.Status)
}

// TransportError is the error of a request without a complete response. It wraps
// the transport's error, whose text may quote what the server sent. The text of a
// TransportError omits those quotes.
type TransportError struct {
	Err    error
	begun  bool // the response had begun
	reused bool // the connection had served another request before
}

// quoted matches what net/http quotes in its errors: URLs, header fields, and
// data that is not a status line.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

func (e *TransportError) Error() string {
	return "no complete response: " + quoted.ReplaceAllString(e.Err.Error(), `"…"`)
}

func (e *TransportError) Unwrap() error { return e.Err }

const maxRetryAfter = time.Hour

// retryAfter reads a Retry-After in either form of RFC 9110, Section 10.2.3.
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

package client

import (
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

const (
	// maxRefusalBody and maxRefusalTime bound how much of a refusal's body is read,
	// and for how long. It may never end.
	maxRefusalBody = 16 << 10
	maxRefusalTime = time.Second

	maxCode        = 64
	maxDescription = 200
	maxRequestID   = 128
	maxRetryAfter  = 24 * time.Hour
)

// consume reads and closes the body of an answer that the caller does not get, so
// that its connection can be used again. It returns what it read.
func consume(resp *http.Response) []byte {
	timer := time.AfterFunc(maxRefusalTime, func() { _ = resp.Body.Close() })
	defer timer.Stop()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusalBody))
	_ = resp.Body.Close()
	return body
}

// requestIDOf returns the request_id of a body as bearerkit writes it, or "".
func requestIDOf(h http.Header, body []byte) string {
	mediaType, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || mediaType != "application/json" && mediaType != "application/problem+json" {
		return ""
	}
	var answer struct {
		RequestID string `json:"request_id"`
	}
	if json.Unmarshal(body, &answer) != nil || printable(answer.RequestID, maxRequestID) != answer.RequestID {
		return ""
	}
	return answer.RequestID
}

// printable returns text in printable ASCII, with "?" for all other characters, of
// at most limit bytes.
func printable(text string, limit int) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return '?'
		}
		return c
	}, text[:min(len(text), limit)])
}

// retryAfter returns the value of Retry-After (RFC 9110, Section 10.2.3), between
// 0 and a day. It returns false if there is none, or a malformed one. A date counts
// from the answer's own Date, if it has one, since the clocks may differ.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	value := h.Get("Retry-After")
	if value == "" {
		return 0, false
	}
	if strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.ParseInt(value, 10, 32)
		if err != nil { // too large
			return maxRetryAfter, true
		}
		return min(time.Duration(seconds)*time.Second, maxRetryAfter), true
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	if sent, err := http.ParseTime(h.Get("Date")); err == nil {
		now = sent
	}
	return min(max(at.Sub(now), 0), maxRetryAfter), true
}

// isRepeatable reports whether a request has the same effect if it is sent twice
// (RFC 9110, Section 9.2.2), so that it may be repeated although the API may have
// acted on it.
func isRepeatable(r *http.Request) bool {
	switch r.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return r.Header.Get("Idempotency-Key") != "" || r.Header.Get("X-Idempotency-Key") != ""
}

// Package rpcerror says how gRPC and Connect express a refusal.
package rpcerror

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/bearerkit/bearerkit/bearer"
)

// Domain is the domain of the ErrorInfo of every refusal.
const Domain = "bearerkit"

// PushbackKey is the key of the trailer metadata that tells clients of gRPC when to
// retry (gRFC A6).
const PushbackKey = "grpc-retry-pushback-ms"

// Pushback returns the value of PushbackKey: the milliseconds of RetryAfter.
func Pushback(e bearer.PublicError) string { return strconv.FormatInt(e.RetryAfter*1000, 10) }

// Code returns the code of a refusal, which has the same number in gRPC and in
// Connect. Codes have no counterpart of 431: like 400, it says that the client
// must change the request.
func Code(e bearer.PublicError) uint32 {
	switch e.Status {
	case http.StatusBadRequest, http.StatusRequestHeaderFieldsTooLarge:
		return 3 // INVALID_ARGUMENT
	case http.StatusNotFound:
		return 5
	case http.StatusForbidden:
		return 7 // PERMISSION_DENIED
	case http.StatusTooManyRequests:
		return 8 // RESOURCE_EXHAUSTED
	case http.StatusServiceUnavailable:
		return 14 // UNAVAILABLE
	case http.StatusUnauthorized:
		return 16 // UNAUTHENTICATED
	}
	return 13 // INTERNAL
}

// Reason returns the reason of the ErrorInfo: the code of the refusal in capital
// letters, such as INVALID_TOKEN.
func Reason(e bearer.PublicError) string {
	code := e.Code
	if code == "" {
		switch e.Status { // each status has one code that a challenge does not name
		case http.StatusUnauthorized:
			code = bearer.CodeMissingCredentials
		case http.StatusForbidden:
			code = bearer.CodeForbidden
		case http.StatusNotFound:
			code = bearer.CodeNotFound
		case http.StatusTooManyRequests:
			code = bearer.CodeTooManyFailures
		case http.StatusRequestHeaderFieldsTooLarge:
			code = bearer.CodeTokenTooLong
		case http.StatusServiceUnavailable:
			code = bearer.CodeUnavailable
		default:
			code = bearer.CodeMisconfigured
		}
	}
	return strings.ToUpper(string(code))
}

// Metadata returns the metadata of the ErrorInfo: request_id, and scope for
// INSUFFICIENT_SCOPE.
func Metadata(e bearer.PublicError) map[string]string {
	m := map[string]string{"request_id": e.RequestID}
	if !e.Scope.IsEmpty() {
		m["scope"] = e.Scope.String()
	}
	return m
}

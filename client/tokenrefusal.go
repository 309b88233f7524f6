package client

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/tokenendpoint"
)

// sourceError is the error of a source of this package. Its text contains no
// secret.
type sourceError struct {
	remedy     Remedy
	text       string
	code       string        // of the token endpoint
	retryAfter time.Duration // zero: unknown
	err        error         // may be nil
}

func (e *sourceError) Error() string { return "client: " + e.text }
func (e *sourceError) Unwrap() error { return e.err }

// endpointError returns the error for that of a token endpoint. What is not known to
// be about the request, such as an outage, is Unavailable.
func endpointError(err error) *sourceError {
	if refused, ok := errors.AsType[*tokenendpoint.Refusal](err); ok {
		e := tokenRefusal(refused.Status, refused.Code)
		e.retryAfter, e.err = refused.RetryAfter, err
		return e
	}
	e := &sourceError{remedy: FixRequest, text: "the token endpoint: " + err.Error(), err: err}
	if failed, ok := errors.AsType[*fetch.StatusError](err); ok {
		e = tokenRefusal(failed.Status, "")
		e.retryAfter, e.err = failed.RetryAfter, err
	} else if _, ok := errors.AsType[*fetch.TransportError](err); ok {
		e.remedy = Unavailable
	}
	return e
}

// tokenRefusal returns the error for an answer of a token endpoint (RFC 6749,
// Section 5.2). Its text quotes the code and not the body, which may repeat secrets
// of the request.
func tokenRefusal(status int, code string) *sourceError {
	e := &sourceError{remedy: FixRequest, code: printable(code, maxCode), text: fmt.Sprintf("the token endpoint answered %d", status)}
	if status == 0 { // unknown
		e.text = "the token endpoint refused the request"
	}
	if e.code != "" {
		e.text += fmt.Sprintf(", %q", e.code)
	}
	// The status of an outage says more than the code: many servers send 429 with a
	// code of their own.
	if status >= http.StatusInternalServerError || status == http.StatusTooManyRequests {
		e.remedy = Unavailable
		return e
	}
	switch e.code {
	case "invalid_grant", "login_required", "interaction_required", "consent_required":
		e.remedy = SignIn
	case "invalid_scope", "access_denied":
		e.remedy = AskForScope
	case "insufficient_user_authentication", "unmet_authentication_requirements": // RFC 9470, Section 4
		e.remedy = StepUpLogin
	case "temporarily_unavailable", "server_error", "slow_down":
		e.remedy = Unavailable
	}
	return e
}

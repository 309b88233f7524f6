package client

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/scope"
)

// Remedy says what can be done about a refusal that a [Transport] could not
// resolve.
type Remedy string

// The remedies. Their values are fit for programs, such as a front end; their
// [Remedy.Text] is for people.
const (
	SignIn      Remedy = "sign_in"       // log in again
	AskForScope Remedy = "ask_for_scope" // have more scopes granted: see [Error.Scope]
	StepUpLogin Remedy = "step_up"       // log in as the API requires: see [Error.StepUp]
	Wait        Remedy = "wait"          // send fewer requests, and wait: see [Error.RetryAfter]
	Unavailable Remedy = "unavailable"   // an outage: try again later
	SendAgain   Remedy = "send_again"    // the cause is resolved, but the body could not be sent again
	FixRequest  Remedy = "fix_request"   // the program or its configuration needs a fix
)

// Text says in a sentence what a person can do.
func (r Remedy) Text() string {
	switch r {
	case SignIn:
		return "Log in again."
	case AskForScope:
		return "Ask for the missing permission: log in again and grant it, or ask an administrator to allow it."
	case StepUpLogin:
		return "Log in again, as strongly and as recently as the API requires."
	case Wait:
		return "Wait, then send the request again. Send fewer requests."
	case Unavailable:
		return "Try again later. If this continues, tell those who operate the API."
	case SendAgain:
		return "Send the request again. To have this done automatically, set Request.GetBody."
	case FixRequest:
		return "Fix the program or its configuration; the same request fails again."
	default:
		return ""
	}
}

// Error is the error of a request that the API, or the token source, refused, and
// that a [Transport] could not repeat with success. An http.Client wraps it in a
// *url.Error; use errors.As.
//
// Error contains no token. Description and Code are the server's words: escape them
// before you show them in a page.
type Error struct {
	Remedy Remedy // what can be done

	// Status is the status of the API's last answer. Zero: the API was not asked,
	// because there is no token.
	Status int

	// Code is the error code of the challenge, such as invalid_token, and Description
	// its error_description, both in printable ASCII and at most 64 and 200 bytes
	// long. Empty: the answer has none.
	Code, Description string

	// Scope holds the scopes that the API requires, if the answer names them.
	Scope scope.Set

	// StepUp is the authentication that the API requires. Nil: it requires none.
	StepUp *StepUp

	// RetryAfter is how long the API asks to wait, at most a day. Zero: it does not
	// say.
	RetryAfter time.Duration

	// RequestID is the request_id of a body as bearerkit writes it, with which the
	// API's log can be searched. Empty: the body has none.
	RequestID string

	// Err is the cause, such as the error of the source. Its text may contain
	// secrets, so Error does not print that of a source that this package does not
	// know. Nil: the answer says all.
	Err error

	waits  bool   // the answer has a Retry-After, which may be zero
	detail string // what was tried, or the cause in words that contain no secret
}

func (e *Error) Error() string {
	text := "client: " + e.text()
	if remedy := e.Remedy.Text(); remedy != "" {
		text += ". " + remedy
	}
	return text
}

// text is the error without the prefix and the remedy, for the error of another
// Transport.
func (e *Error) text() string {
	var b strings.Builder
	if e.Status != 0 {
		fmt.Fprintf(&b, "the API answered %d", e.Status)
	} else {
		b.WriteString("no token for the API")
	}
	if e.Code != "" {
		fmt.Fprintf(&b, ", %q", e.Code)
	}
	if e.Description != "" {
		fmt.Fprintf(&b, " (%q)", e.Description)
	}
	if e.detail != "" {
		b.WriteString(": " + e.detail)
	}
	if !e.Scope.IsEmpty() {
		fmt.Fprintf(&b, "; it requires the scope %q", e.Scope)
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, "; it asks to wait %v", e.RetryAfter)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request_id %q)", e.RequestID)
	}
	return b.String()
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// errBody is the cause of a request that cannot be sent again.
var errBody = errors.New("client: the body cannot be read again; set Request.GetBody")

package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/tokenendpoint"
)

// ExchangeError is the refusal of a token exchange by the authorization server (RFC
// 8693, Section 2.2.2).
type ExchangeError struct {
	Status int // of the answer

	// Code is the error, such as invalid_target or invalid_request, and Description
	// its description, which may quote the request. Both are printable ASCII, and
	// shortened. Code is empty if the answer is no OAuth error.
	Code, Description string

	// RetryAfter is how long the server asks to wait. Zero: it does not say.
	RetryAfter time.Duration

	// Err is the cause.
	Err error
}

// Error returns the status and the code.
func (e *ExchangeError) Error() string {
	text := fmt.Sprintf("client: the token endpoint answered %d", e.Status)
	if e.Code != "" {
		text += fmt.Sprintf(", %q", e.Code)
	}
	return text
}

// Unwrap returns Err.
func (e *ExchangeError) Unwrap() error { return e.Err }

// request requests a token, and checks the answer.
func (s *Exchange) request(ctx context.Context, own subject, form url.Values) (*oauth2.Token, error) {
	token, err := s.endpoint.Token(ctx, form)
	if err != nil && fetch.IsReset(err) {
		// The server closed an idle connection. A second exchange does no harm.
		token, err = s.endpoint.Token(ctx, form)
	}
	if err != nil {
		return nil, exchangeError(err)
	}
	// RFC 8693, Section 2.2.1 requires the member.
	switch issued, _ := token.Extra("issued_token_type").(string); issued {
	case typeAccessToken:
	case "":
		return nil, exchangeError(errors.New("the answer has no issued_token_type, want " + typeAccessToken))
	default:
		return nil, exchangeError(fmt.Errorf("the issued token has the type %q, want %q", printable(issued, 100), typeAccessToken))
	}
	token.RefreshToken = "" // it would outlive the request's token
	if expires := own.principal.Expires; !expires.IsZero() && (token.Expiry.IsZero() || expires.Before(token.Expiry)) {
		token.Expiry = expires
	}
	return token, nil
}

// exchangeError returns the error for that of the token endpoint.
func exchangeError(err error) *sourceError {
	e := endpointError(err)
	public := &ExchangeError{Code: e.code, RetryAfter: e.retryAfter, Err: err}
	if refused, ok := errors.AsType[*tokenendpoint.Refusal](err); ok {
		public.Status, public.Description = refused.Status, refused.Description
	} else if failed, ok := errors.AsType[*fetch.StatusError](err); ok {
		public.Status = failed.Status
	} else {
		return e // no answer, or one that is no refusal
	}
	e.err = public
	switch e.code {
	case "invalid_request", "invalid_token":
		// RFC 8693, Section 2.2.2: the code for a subject_token that is invalid for any
		// reason, such as a session that ended. A guard that checks signatures does not
		// notice that.
		e.remedy = SignIn
		e.text += ": it refuses the token of the request that is being handled, or the parameters of the exchange"
	case "invalid_target":
		e.text += ": it issues no token for this API; compare ExchangeConfig.Resource and Audience with the server's configuration"
	case "unauthorized_client", "unsupported_grant_type":
		e.text += ": this client may not exchange tokens; allow it in the server's configuration"
	}
	return e
}

// isOutage reports whether an error is evidence about the endpoint rather than about
// one token. A 500 may be due to one token, so it does not count.
func isOutage(err error) bool {
	if _, ok := errors.AsType[*fetch.TransportError](err); ok {
		return true
	}
	refused, ok := errors.AsType[*ExchangeError](err)
	return ok && (refused.Status == http.StatusServiceUnavailable || refused.Status == http.StatusTooManyRequests)
}

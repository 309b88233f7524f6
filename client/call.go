package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/scope"
)

// run sends the request until the answer is the caller's, or cannot be resolved.
// Each reason ends it the second time, so it sends at most seven requests.
func (c *call) run() (*http.Response, error) {
	ctx := c.request.Context()
	var err error
	c.token, err = c.vault.get(ctx, need{})
	if err != nil && !errors.Is(err, ErrNeedChallenge) {
		closeBody(c.request)
		return nil, fail(ctx, &Error{Remedy: SignIn}, err)
	}
	for {
		resp, err := c.send()
		if err != nil {
			return nil, err
		}
		refused := judge(resp.StatusCode, resp.Header, c.transport.scheme(), c.token != nil)
		if refused.reason == passed {
			return resp, nil
		}
		body := consume(resp)
		e := errorOf(resp, refused, body)
		if refused.reason == hopeless || c.reasons&refused.reason != 0 {
			return nil, e
		}
		c.reasons |= refused.reason
		if err := c.resolve(refused, e); err != nil {
			return nil, err
		}
		c.transport.log.LogAttrs(ctx, slog.LevelDebug, "request is repeated", slog.String("reason", refused.reason.String()),
			slog.Int("status", e.Status), slog.String("code", e.Code), slog.String("request_id", e.RequestID))
	}
}

// resolve does what the refusal asks. It returns e, completed, if it cannot.
func (c *call) resolve(refused refusal, e *Error) error {
	switch refused.reason {
	case pause:
		return c.pause(e)
	case newNonce:
		if c.transport.prover == nil || c.transport.prover.lastNonce() == c.proof.nonce {
			e.detail = "the API requires a nonce and sends none, or the one that it refuses"
			return e
		}
	default:
		if err := c.renew(refused, e); err != nil {
			return err
		}
	}
	if hasFixedBody(c.request) {
		e.Remedy, e.Err, e.detail = SendAgain, errBody, "the cause is resolved, but the request's body cannot be sent again"
		return e
	}
	return nil
}

// renew gets the token that the refusal asks for.
func (c *call) renew(refused refusal, e *Error) error {
	n := need{seen: c.token, challenge: refused.challenge}
	switch refused.reason {
	case freshToken:
		n.refused = true
	case stepUp:
		n.stepUp, n.scope = e.StepUp, e.Scope
	case moreScope:
		if n.scope = e.Scope; n.scope.IsEmpty() {
			e.detail = "the answer does not name the scopes that it requires"
			return e
		}
	default:
		n.scope = e.Scope
	}
	if name, ok := c.forbidden(n.scope); ok {
		e.Remedy, e.detail = AskForScope, fmt.Sprintf("Config.AllowScope does not allow the scope %q", name)
		return e
	}
	token, err := c.vault.get(c.request.Context(), n)
	if err != nil {
		return fail(c.request.Context(), e, err)
	}
	c.token = token
	return nil
}

// forbidden returns a scope that the API may not cause a request for.
func (c *call) forbidden(asked scope.Set) (name string, found bool) {
	if c.transport.config.AllowScope == nil {
		return "", false
	}
	for _, name := range asked.Names() {
		if !c.transport.config.AllowScope(name) {
			return name, true
		}
	}
	return "", false
}

// pause waits as long as the API asks for.
func (c *call) pause(e *Error) error {
	ctx, limit := c.request.Context(), c.transport.config.MaxWait
	deadline, bounded := ctx.Deadline()
	switch {
	case !e.waits || limit == 0:
		return e
	case e.RetryAfter > limit:
		e.detail = fmt.Sprintf("it asks for more than Config.MaxWait, %v", limit)
		return e
	case !isRepeatable(c.request):
		e.detail = fmt.Sprintf("a %s request without an Idempotency-Key is not sent twice", c.request.Method)
		return e
	case hasFixedBody(c.request):
		e.Err, e.detail = errBody, "the request's body cannot be sent again"
		return e
	case bounded && time.Until(deadline) <= e.RetryAfter:
		e.detail = "the request's deadline is earlier"
		return e
	}
	timer := time.NewTimer(e.RetryAfter)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// errorOf returns the error for a refusal that cannot be resolved.
func errorOf(resp *http.Response, refused refusal, body []byte) *Error {
	e := &Error{Status: resp.StatusCode, RequestID: requestIDOf(resp.Header, body), detail: refused.detail}
	code, _ := refused.challenge.Param("error")
	description, _ := refused.challenge.Param("error_description")
	e.Code, e.Description = printable(code, maxCode), printable(description, maxDescription)
	e.Scope, _ = refused.challenge.Scope()
	e.RetryAfter, e.waits = retryAfter(resp.Header, time.Now())
	switch refused.reason {
	case firstToken, freshToken:
		e.Remedy = SignIn
	case moreScope:
		e.Remedy = AskForScope
	case stepUp:
		e.Remedy = StepUpLogin
		need := refused.challenge.StepUp()
		e.StepUp = &need
	case newNonce:
		e.Remedy = Unavailable
	case pause:
		if e.Remedy = Unavailable; resp.StatusCode == http.StatusTooManyRequests {
			e.Remedy = Wait
		}
	default:
		e.Remedy = FixRequest
	}
	return e
}

// fail completes e by the error of a token request. The end of the caller's own
// context is not the source's error.
func fail(ctx context.Context, e *Error, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, errUseless) {
		e.detail = strings.TrimPrefix(errUseless.Error(), "client: ")
		return e
	}
	e.Err = err
	e.Remedy, e.detail = remedyOf(err, e.Remedy)
	if own, ok := errors.AsType[*sourceError](err); ok && own.retryAfter > 0 {
		e.RetryAfter = own.retryAfter
	}
	if nested, ok := errors.AsType[*Error](err); ok {
		e.RetryAfter, e.Scope = max(e.RetryAfter, nested.RetryAfter), e.Scope.Union(nested.Scope)
	}
	return e
}

// remedyOf returns the remedy for the error of a source, and its text without
// secrets. The text of an unknown error may contain some.
func remedyOf(err error, otherwise Remedy) (Remedy, string) {
	if own, ok := errors.AsType[*sourceError](err); ok {
		return own.remedy, own.text
	}
	if nested, ok := errors.AsType[*Error](err); ok {
		return nested.Remedy, nested.text()
	}
	for _, known := range [...]struct {
		err    error
		remedy Remedy
	}{{ErrNoStepUp, StepUpLogin}, {ErrNoMoreScope, AskForScope}, {ErrNoFreshToken, SignIn}, {ErrNeedChallenge, SignIn}} {
		if errors.Is(err, known.err) {
			return known.remedy, strings.TrimPrefix(known.err.Error(), "client: ")
		}
	}
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		status := 0
		if refused.Response != nil {
			status = refused.Response.StatusCode
		}
		own := tokenRefusal(status, refused.ErrorCode)
		return own.remedy, own.text
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return Unavailable, "the authorization server cannot be reached"
	}
	return otherwise, "the token source failed (see Err)"
}

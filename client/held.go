package client

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/scope"
)

const (
	// early is how long before its expiry a token is replaced, so that it does not
	// expire on the way. A token of less than 100 s is replaced at nine tenths.
	early = 10 * time.Second

	// settle is how long a token that replaced a refused one is kept if the API
	// refuses it too. It bounds how often an API can cause a token request.
	settle = 5 * time.Second

	maxToken = 64 << 10 // bytes; no server accepts longer header fields
)

// held is a token that a vault holds. It is immutable.
type held struct {
	token    *oauth2.Token
	field    string    // the value of Authorization
	scope    scope.Set // the scopes that were asked for or granted
	stepUp   string    // the StepUp that was asked for, as text
	replaced bool      // it replaced a refused token
	since    time.Time
	until    time.Time // zero: until the API refuses it
}

// hold checks a token that a source returned for n.
func hold(token *oauth2.Token, scheme string, n need, asked scope.Set) (*held, error) {
	switch {
	case token == nil || token.AccessToken == "":
		return nil, &sourceError{remedy: FixRequest, text: "the source returned no token and no error"}
	case len(token.AccessToken) > maxToken || strings.ContainsFunc(token.AccessToken, isNotTokenChar):
		return nil, &sourceError{remedy: FixRequest, text: "the source returned a token with characters, or of a length, that a header field cannot carry"}
	case !strings.EqualFold(token.Type(), scheme):
		// RFC 6749, Section 7.1: a client must not use a type that it does not know.
		// RFC 9449, Section 5: a server without DPoP answers with Bearer.
		return nil, &sourceError{remedy: FixRequest, text: fmt.Sprintf("the source returned a token of type %q, want %q: set the Key of the Transport and of the source, or of neither", printable(token.Type(), maxCode), scheme)}
	case n.refused && token.AccessToken == n.seen.token.AccessToken:
		return nil, ErrNoFreshToken
	}
	// More names than a request may have would keep the token from being renewed.
	scopes := asked.Union(grantedOf(token))
	if scopes.Len() > maxScopes {
		scopes = asked
	}
	now := time.Now()
	h := &held{
		token: token, field: scheme + " " + token.AccessToken,
		scope: scopes, stepUp: n.stepUpText(), replaced: n.refused, since: now,
	}
	if !token.Expiry.IsZero() {
		h.until = token.Expiry.Add(-min(early, max(token.Expiry.Sub(now), 0)/10))
	}
	return h, nil
}

// isNotTokenChar reports whether c may not occur in a header field's token. RFC
// 6750, Section 2.1 allows fewer characters, but the API decides.
func isNotTokenChar(c rune) bool { return c <= ' ' || c > '~' }

// grantedOf returns the scopes in a token response (RFC 6749, Section 5.1), or none
// if they are malformed or too many.
func grantedOf(token *oauth2.Token) scope.Set {
	text, _ := token.Extra("scope").(string)
	granted, _ := Challenge{Params: map[string]string{"scope": text}}.Scope()
	return granted
}

// need is the token that a request needs.
type need struct {
	seen      *held // does not suffice. Nil: the request had no token
	refused   bool  // the API refuses seen altogether
	scope     scope.Set
	stepUp    *StepUp
	challenge Challenge
}

// reason is why the API caused the need, or passed if it did not.
func (n need) reason() reason {
	switch {
	case n.challenge.Scheme == "":
		return passed
	case n.refused:
		return freshToken
	case n.stepUp != nil:
		return stepUp
	case n.seen == nil:
		return firstToken
	}
	return moreScope
}

// metBy reports whether h suffices.
func (n need) metBy(h *held, now time.Time) bool {
	return h != nil && h != n.seen && (h.until.IsZero() || now.Before(h.until)) &&
		h.scope.Contains(n.scope) && (n.stepUp == nil || h.stepUp == n.stepUpText())
}

func (n need) stepUpText() string {
	if n.stepUp == nil {
		return ""
	}
	return fmt.Sprintf("%d %q", n.stepUp.MaxAge, n.stepUp.ACRValues)
}

// errUseless means that a request for a token cannot help, since the last one asked
// for the same.
var errUseless = errors.New("client: a token as the API requires it was just requested")

// check returns errUseless if h, the current token, is the one that does not
// suffice, and was requested for the same reason.
func (n need) check(h *held, now time.Time) error {
	if h == nil || h != n.seen {
		return nil
	}
	recent := now.Sub(h.since) < settle
	if n.refused && h.replaced && recent ||
		n.stepUp != nil && h.stepUp == n.stepUpText() && recent ||
		!n.refused && n.stepUp == nil && h.scope.Contains(n.scope) {
		return errUseless
	}
	return nil
}

// Package tokenendpoint requests tokens at an authorization server (RFC 6749,
// Section 3.2).
//
// Its errors have no prefix, because its callers wrap them. They contain no token
// and no credentials.
package tokenendpoint

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/internal/fetch"
)

const (
	// maxAnswer bounds an answer, in bytes.
	maxAnswer = 256 << 10

	// timeout bounds one request, so that a server that never answers does not
	// hold a caller without a deadline.
	timeout = 15 * time.Second
)

// Config configures an [Endpoint].
type Config struct {
	Client *fetch.Client // required
	URL    string        // required: the URL of the token endpoint
	Auth   Auth          // required: how the client authenticates

	// Issuer is the audience of assertions (RFC 7523, Section 3). Empty: URL.
	Issuer string

	// Proof returns a DPoP proof for a POST to a URL, with a nonce unless that is
	// empty (RFC 9449, Section 5). The tokens must then have the type DPoP. Nil: no
	// proofs, and the tokens must have the type Bearer.
	Proof func(url, nonce string) (string, error)
}

// Endpoint requests tokens. It is safe for concurrent use. Use [New].
type Endpoint struct {
	config Config

	mu    sync.Mutex
	nonce string // the last DPoP nonce of the server
}

// New returns an Endpoint. It makes no request.
func New(c Config) *Endpoint {
	if c.Issuer == "" {
		c.Issuer = c.URL
	}
	return &Endpoint{config: c}
}

// Token requests an access token for a grant. The form has the grant_type and its
// parameters. The token's type is that of the configuration. The error is a
// [*Refusal] if the server refuses the request.
func (e *Endpoint) Token(ctx context.Context, form url.Values) (*oauth2.Token, error) {
	want := "Bearer"
	if e.config.Proof != nil {
		want = "DPoP"
	}
	token, err := e.request(ctx, form)
	switch {
	case err != nil:
		return nil, err
	case !strings.EqualFold(token.TokenType, want) && want == "DPoP":
		// RFC 9449, Section 5: such a token is not bound to the key.
		return nil, fmt.Errorf("the token has the type %.40q, want DPoP; the server does not bind tokens to keys", token.TokenType)
	case !strings.EqualFold(token.TokenType, want):
		return nil, fmt.Errorf("the token has the type %.40q, want Bearer", token.TokenType)
	}
	token.TokenType = want
	return token, nil
}

// Exchange requests a token that is not an access token, such as a grant for another
// server (RFC 8693, Section 2.2.1). Its token_type is N_A, and the answer must have
// the issued_token_type. Exchange sends no proof.
func (e *Endpoint) Exchange(ctx context.Context, form url.Values, issuedType string) (string, error) {
	token, _, err := e.once(ctx, form, "")
	if err != nil {
		return "", err
	}
	if got, _ := token.Extra("issued_token_type").(string); got != issuedType {
		return "", fmt.Errorf("the issued token has the type %.100q, want %q", got, issuedType)
	}
	return token.AccessToken, nil
}

// request sends a request, and sends it again with the nonce that the server asks
// for (RFC 9449, Section 8).
func (e *Endpoint) request(ctx context.Context, form url.Values) (*oauth2.Token, error) {
	if e.config.Proof == nil {
		token, _, err := e.once(ctx, form, "")
		return token, err
	}
	for first := true; ; first = false {
		proof, err := e.config.Proof(e.config.URL, e.currentNonce())
		if err != nil {
			return nil, err
		}
		token, header, err := e.once(ctx, form, proof)
		fresh := e.keepNonce(header)
		refusal, refused := errors.AsType[*Refusal](err)
		if first && fresh && refused && refusal.Code == "use_dpop_nonce" {
			continue
		}
		return token, err
	}
}

// once sends one request. It authenticates each request anew, because an assertion
// may be used only once.
func (e *Endpoint) once(ctx context.Context, form url.Values, proof string) (*oauth2.Token, http.Header, error) {
	form, header := copied(form), http.Header{"Accept": {"application/json"}}
	if err := e.config.Auth.Apply(form, header, e.config.Issuer); err != nil {
		return nil, nil, err
	}
	if proof != "" {
		header.Set("DPoP", proof)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	sent := time.Now()
	response, err := e.config.Client.Post(ctx, e.config.URL, form, header, maxAnswer)
	if err != nil {
		return nil, response.Header, refusalOf(response, err)
	}
	token, err := parse(response.Body, sent)
	return token, response.Header, err
}

func copied(form url.Values) url.Values {
	c := make(url.Values, len(form)+3)
	for name, values := range form {
		c[name] = values
	}
	return c
}

func (e *Endpoint) currentNonce() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.nonce
}

// keepNonce keeps the nonce of an answer for the next request (RFC 9449, Section
// 8.2). It reports whether the answer has one.
func (e *Endpoint) keepNonce(header http.Header) bool {
	nonce := Nonce(header)
	if nonce == "" {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.nonce = nonce
	return true
}

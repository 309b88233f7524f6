package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/redact"
	"github.com/bearerkit/bearerkit/internal/tokenendpoint"
	"github.com/bearerkit/bearerkit/scope"
)

// Login is a [Source] of one person's tokens for one API. It needs no more than the
// API's URL: a challenge leads to the API's metadata, that to the authorization
// server, and a person logs in there (authorization code with PKCE, RFC 7636). It
// then refreshes the token while that is possible. If the API requires more scopes
// or a stronger login, the person logs in again.
//
// A Login is safe for concurrent use, and never asks for two logins at once. Use
// [NewLogin].
type Login struct {
	config  LoginConfig
	client  *fetch.Client
	key     *jose.PrivateKey // for private_key_jwt. Nil: none
	prover  *prover          // nil: the tokens are not bound
	target  *url.URL         // the redirect URL, perhaps without a port
	listens bool             // at target

	pending atomic.Pointer[attempt] // of the login that waits for a person

	// turn holds an element while a token is requested. It guards the fields below.
	// Unlike a mutex, a channel lets a caller give up.
	turn       chan struct{}
	registered *registration // by dynamic registration
	grant      *grant        // nil: nobody has logged in
	failed     loginFailure
}

// grant is what a person has granted.
type grant struct {
	api      string // Want.Resource
	resource string // the API's identifier at the authorization server
	found    Discovery
	who      *registration
	endpoint *tokenendpoint.Endpoint
	token    *oauth2.Token
	refresh  string    // the refresh token. Empty: none
	scope    scope.Set // what was asked for, and what was granted
}

// loginFailure is the end of a login without success.
type loginFailure struct {
	at  time.Time
	err error
}

var (
	_ Source       = (*Login)(nil)
	_ http.Handler = (*Login)(nil)
)

// NewLogin returns a Login. It reports all mistakes in the configuration at once and
// does not use the network.
func NewLogin(c LoginConfig) (*Login, error) {
	target, listens, err := c.check()
	errs := []error{err}
	key, err := parsePrivateKey(c.PrivateKey)
	if err != nil {
		errs = append(errs, fmt.Errorf("client: LoginConfig.PrivateKey: %w", err))
	}
	prover, err := newProver("LoginConfig.Key", c.Key)
	errs = append(errs, err)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c.Discovery.Issuers = slices.Clone(c.Discovery.Issuers)
	l := &Login{
		config: c, client: fetch.New(c.Discovery.HTTP, c.Discovery.InsecureAllowHTTP),
		key: key, prover: prover, target: target, listens: listens, turn: make(chan struct{}, 1),
	}
	if l.config.Session = nil; len(c.Session) > 0 {
		if l.grant, err = l.restore(c.Session); err != nil {
			return nil, fmt.Errorf("client: LoginConfig.Session: %w", err)
		}
	}
	return l, nil
}

// Token implements [Source]. The first call returns [ErrNeedChallenge] if it has no
// challenge.
func (l *Login) Token(ctx context.Context, want Want) (*oauth2.Token, error) {
	entered := time.Now()
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if g := l.grant; g != nil && g.api != want.Resource && g.token.AccessToken == "" {
		l.grant = nil // of a session for another API
	}
	if g := l.grant; g != nil {
		if g.api != want.Resource {
			return nil, &sourceError{remedy: FixRequest, text: "the Login is for another API; use one Login for each API"}
		}
		if g.meets(want) && g.token.Valid() {
			return g.token, nil
		}
		if token, err := l.refresh(ctx, g, want); token != nil || err != nil {
			return token, err
		}
	}
	switch {
	case want.Challenge.Scheme == "":
		return nil, ErrNeedChallenge
	case l.failed.at.After(entered):
		// This caller waited for the login that failed. The person should not be
		// asked again at once.
		return nil, l.failed.err
	}
	g, err := l.logIn(ctx, want)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		l.failed = loginFailure{time.Now(), err}
		return nil, err
	}
	l.grant = g
	l.save()
	return g.token, nil
}

// meets reports whether the token is what a request wants, unless it has expired.
func (g *grant) meets(want Want) bool {
	return g.token.AccessToken != want.Refused && want.StepUp == nil && g.scope.Contains(want.Scope)
}

// refresh requests a new token with the refresh token (RFC 6749, Section 6). It
// returns neither a token nor an error if the person must log in.
func (l *Login) refresh(ctx context.Context, g *grant, want Want) (*oauth2.Token, error) {
	if g.refresh == "" || want.StepUp != nil || !g.scope.Contains(want.Scope) {
		return nil, nil
	}
	// If the caller gives up now, the server has perhaps already replaced the refresh
	// token. Therefore the request goes on; the endpoint bounds its time.
	token, err := g.endpoint.Token(context.WithoutCancel(ctx), url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {g.refresh}, "resource": l.resources(g.resource),
	})
	if err != nil {
		failed := endpointError(err)
		if _, ok := errors.AsType[*tokenendpoint.Refusal](err); ok && failed.remedy != Unavailable {
			g.refresh = "" // invalid_grant, or of no use otherwise
			l.save()
			return nil, nil
		}
		return nil, failed
	}
	g.take(token)
	l.save()
	if token.AccessToken == want.Refused {
		return nil, nil
	}
	return g.token, nil
}

// take keeps a token. A server that rotates refresh tokens sends a new one each time
// (RFC 9700, Section 4.14.2).
func (g *grant) take(token *oauth2.Token) {
	if token.RefreshToken != "" {
		g.refresh = token.RefreshToken
	}
	token.RefreshToken = "" // no other code may use it up
	g.token = token
	g.scope = g.scope.Union(grantedOf(token))
}

// resources returns the values of the parameter resource (RFC 8707, Section 2).
func (l *Login) resources(resource string) []string {
	if l.config.OmitResource {
		return nil
	}
	return []string{resource}
}

// endpoint returns the token endpoint for a client.
func (l *Login) endpoint(found Discovery, auth tokenendpoint.Auth) *tokenendpoint.Endpoint {
	c := tokenendpoint.Config{Client: l.client, URL: found.TokenEndpoint, Auth: auth, Issuer: found.Issuer}
	if l.prover != nil {
		c.Proof = l.prover.proveTokenRequest
	}
	return tokenendpoint.New(c)
}

// LogValue shows the configuration of l, as [LoginConfig.LogValue] does. All ways of
// printing a Login show the same.
func (l *Login) LogValue() slog.Value { return l.config.LogValue() }

// Format writes the values of [Login.LogValue] for every verb.
func (l *Login) Format(f fmt.State, verb rune) { redact.Format(f, verb, l) }

// MarshalJSON returns the values of [Login.LogValue].
func (l *Login) MarshalJSON() ([]byte, error) { return redact.JSON(l) }

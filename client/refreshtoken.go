package client

import (
	"context"
	"errors"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/scope"
)

// RefreshTokenConfig configures a [RefreshToken].
type RefreshTokenConfig struct {
	// Endpoint is the token endpoint of the server that issued the refresh token.
	// Required.
	Endpoint Endpoint

	// Token is the refresh token. Required.
	Token string

	// Save is called with each new refresh token, before the access token that came
	// with it is used. The server may have revoked the old one (RFC 6749, Section 6).
	// Only one call runs at a time. Default: nil, and the new token is lost when the
	// program ends.
	Save func(refreshToken string)

	// Resource is the identifier of the API for the server (RFC 8707, Section 2).
	// Default: [Config.Resource].
	Resource string

	// OmitResource leaves the resource parameter out, for servers that do not know it,
	// or that refuse it.
	OmitResource bool
}

// RefreshToken is a [Source] of tokens for a person who logged in elsewhere (RFC
// 6749, Section 6). Use [NewRefreshToken] to build one. It cannot request more
// scopes than the person granted, and cannot step up. It is safe for concurrent use,
// also by several Transports.
type RefreshToken struct {
	config   RefreshTokenConfig
	endpoint *tokenEndpoint
	turn     turns // of one request, since it may replace the refresh token

	// Guarded by turn.
	current string    // the refresh token. Empty: the server refused it
	granted scope.Set // by the last answer. Empty: unknown
}

var _ Source = (*RefreshToken)(nil)

// NewRefreshToken returns a source. It reports all mistakes in the configuration at
// once and does not use the network.
func NewRefreshToken(c RefreshTokenConfig) (*RefreshToken, error) {
	var errs []error
	endpoint, err := c.Endpoint.compile("RefreshTokenConfig.Endpoint")
	if err != nil {
		errs = append(errs, err)
	}
	if c.Token == "" {
		errs = append(errs, errors.New("client: RefreshTokenConfig.Token is empty; want a refresh token"))
	}
	if c.OmitResource && c.Resource != "" {
		errs = append(errs, errors.New("client: RefreshTokenConfig.Resource and OmitResource are both set; want one of them"))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	s := &RefreshToken{config: c, endpoint: endpoint, turn: newTurns(), current: c.Token}
	s.config.Token = ""
	return s, nil
}

// Token requests a token. The request continues if ctx ends meanwhile, because the
// server may already have replaced the refresh token.
func (s *RefreshToken) Token(ctx context.Context, want Want) (*oauth2.Token, error) {
	if want.StepUp != nil {
		return nil, ErrNoStepUp
	}
	return s.turn.run(ctx, func() (*oauth2.Token, error) { // ends by the timeout of the endpoint
		return s.refresh(context.WithoutCancel(ctx), want)
	})
}

// refresh requests a token, and keeps the new refresh token.
func (s *RefreshToken) refresh(ctx context.Context, want Want) (*oauth2.Token, error) {
	if s.current == "" {
		return nil, ErrNoFreshToken
	}
	form := s.endpoint.form("refresh_token")
	form.Set("refresh_token", s.current)
	// RFC 6749, Section 6: the scope must not exceed what was granted, and is the same
	// if it is left out.
	widens := !s.granted.Contains(want.Scope)
	if widens && !s.granted.IsEmpty() {
		return nil, ErrNoMoreScope
	}
	if widens {
		form.Set("scope", want.Scope.String())
	}
	resource := s.config.Resource
	if resource == "" {
		resource = want.Resource
	}
	if resource != "" && !s.config.OmitResource {
		form.Set("resource", resource)
	}
	token, err := s.endpoint.Token(ctx, form)
	if err != nil {
		refused := endpointError(err)
		if refused.code == "invalid_grant" && refused.remedy == SignIn { // revoked, expired, or used before
			s.current = ""
		}
		if refused.code == "invalid_scope" && widens {
			refused.err = errors.Join(ErrNoMoreScope, refused.err)
		}
		return nil, refused
	}
	if granted := grantedOf(token); !granted.IsEmpty() {
		s.granted = granted
	}
	if token.RefreshToken != "" && token.RefreshToken != s.current {
		s.current = token.RefreshToken
		if s.config.Save != nil {
			s.config.Save(s.current)
		}
	}
	return token, nil
}

package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/internal/redact"
	"github.com/bearerkit/bearerkit/scope"
)

// What cross-app access needs besides token exchange.
const (
	grantJWTBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer" // RFC 7523
	typeIDJAG      = "urn:ietf:params:oauth:token-type:id-jag"
)

// CrossAppConfig configures a [CrossApp].
type CrossAppConfig struct {
	// IDToken returns an ID token of the person who uses this program. It is called
	// for each access token. Required.
	IDToken func(ctx context.Context) (string, error)

	// Provider is the token endpoint of the identity provider that issued the ID
	// token, for the client to which it was issued. Required.
	Provider Endpoint

	// Server is the token endpoint of the API's authorization server. Its Issuer is
	// required.
	Server Endpoint

	// Scope is requested in addition to the scopes that the API names. Default: none.
	Scope scope.Set
}

// CrossApp is a [Source] for cross-app access: an enterprise's identity provider
// decides that a person may use an API by this program, and nobody needs to log in at
// the API's authorization server (draft-ietf-oauth-identity-assertion-authz-grant,
// "Enterprise-Managed Authorization" in MCP). It exchanges an ID token for a grant
// (RFC 8693), and the grant for an access token (RFC 7523). It is safe for concurrent
// use. Use [NewCrossApp].
type CrossApp struct {
	config           CrossAppConfig
	provider, server *tokenEndpoint
}

var _ Source = (*CrossApp)(nil)

// NewCrossApp returns a source. It reports all mistakes in the configuration at once
// and does not use the network.
func NewCrossApp(c CrossAppConfig) (*CrossApp, error) {
	s := &CrossApp{config: c}
	var missing []error
	if c.IDToken == nil {
		missing = append(missing, errors.New("client: CrossAppConfig.IDToken is nil; want a function that returns an ID token"))
	}
	if c.Server.Issuer == "" {
		missing = append(missing, errors.New("client: CrossAppConfig.Server.Issuer is empty; want the issuer identifier of the API's authorization server"))
	}
	var wrong [2]error
	s.provider, wrong[0] = c.Provider.compile("CrossAppConfig.Provider")
	s.server, wrong[1] = c.Server.compile("CrossAppConfig.Server")
	if err := errors.Join(append(missing, wrong[:]...)...); err != nil {
		return nil, err
	}
	return s, nil
}

// Token implements [Source]. The source cannot step up.
func (s *CrossApp) Token(ctx context.Context, want Want) (*oauth2.Token, error) {
	if want.StepUp != nil {
		return nil, ErrNoStepUp
	}
	idToken, err := s.config.IDToken(ctx)
	if err != nil {
		return nil, &sourceError{remedy: SignIn, text: "there is no ID token", err: err}
	}
	exchange := s.provider.form(grantExchange)
	exchange.Set("requested_token_type", typeIDJAG)
	exchange.Set("subject_token", idToken)
	exchange.Set("subject_token_type", typeIDToken)
	exchange.Set("audience", s.config.Server.Issuer)
	bearer := s.server.form(grantJWTBearer)
	if needs := s.config.Scope.Union(want.Scope); !needs.IsEmpty() {
		exchange.Set("scope", needs.String())
		bearer.Set("scope", needs.String())
	}
	if want.Resource != "" {
		exchange.Set("resource", want.Resource)
		bearer.Set("resource", want.Resource)
	}
	grant, err := s.provider.Exchange(ctx, exchange, typeIDJAG)
	if err != nil {
		return nil, endpointError(err)
	}
	bearer.Set("assertion", grant)
	token, err := s.server.Token(ctx, bearer)
	if err != nil {
		return nil, endpointError(err)
	}
	return token, nil
}

// LogValue returns the settings that are not zero, without secrets. fmt and JSON
// print the same.
func (c CrossAppConfig) LogValue() slog.Value {
	return redact.Group(
		redact.Set("IDToken", c.IDToken != nil),
		slog.Attr{Key: "Provider", Value: c.Provider.LogValue()},
		slog.Attr{Key: "Server", Value: c.Server.LogValue()},
		slog.String("Scope", c.Scope.String()),
	)
}

// Format writes the values of [CrossAppConfig.LogValue] for every verb.
func (c CrossAppConfig) Format(f fmt.State, verb rune) { redact.Format(f, verb, c) }

// MarshalJSON returns the values of [CrossAppConfig.LogValue].
func (c CrossAppConfig) MarshalJSON() ([]byte, error) { return redact.JSON(c) }

// LogValue returns the settings of [CrossAppConfig.LogValue]. fmt and JSON print the
// same.
func (s *CrossApp) LogValue() slog.Value { return s.config.LogValue() }

// Format writes the values of [CrossApp.LogValue] for every verb.
func (s *CrossApp) Format(f fmt.State, verb rune) { redact.Format(f, verb, s) }

// MarshalJSON returns the values of [CrossApp.LogValue].
func (s *CrossApp) MarshalJSON() ([]byte, error) { return redact.JSON(s) }

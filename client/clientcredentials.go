package client

import (
	"context"
	"errors"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/scope"
)

// ClientCredentialsConfig configures [ClientCredentials].
type ClientCredentialsConfig struct {
	// Endpoint is the token endpoint. Its client must have a secret or a key.
	// Required.
	Endpoint Endpoint

	// Scope holds the scopes that each token is requested with. Default: none, so that
	// the server decides. Those that the API requires are added: see
	// [Config.AllowScope].
	Scope scope.Set

	// Resource is the identifier of the API for the server (RFC 8707, Section 2).
	// Default: [Config.Resource].
	Resource string

	// OmitResource leaves the resource parameter out, for servers that do not know it,
	// or that refuse it, such as Entra ID.
	OmitResource bool
}

// ClientCredentials is a [Source] of the client's own tokens (RFC 6749, Section
// 4.4). Use [NewClientCredentials] to build one. It keeps no token: the Transport
// does.
type ClientCredentials struct {
	config   ClientCredentialsConfig
	endpoint *tokenEndpoint
}

var _ Source = (*ClientCredentials)(nil)

// NewClientCredentials returns a source. It reports all mistakes in the
// configuration at once and does not use the network.
func NewClientCredentials(c ClientCredentialsConfig) (*ClientCredentials, error) {
	var errs []error
	endpoint, err := c.Endpoint.compile("ClientCredentialsConfig.Endpoint")
	if err != nil {
		errs = append(errs, err)
	}
	if c.OmitResource && c.Resource != "" {
		errs = append(errs, errors.New("client: ClientCredentialsConfig.Resource and OmitResource are both set; want one of them"))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return &ClientCredentials{c, endpoint}, nil
}

// Token requests a token. A client cannot step up.
func (s *ClientCredentials) Token(ctx context.Context, want Want) (*oauth2.Token, error) {
	if want.StepUp != nil {
		return nil, ErrNoStepUp
	}
	form := s.endpoint.form("client_credentials")
	if needs := s.config.Scope.Union(want.Scope); !needs.IsEmpty() {
		form.Set("scope", needs.String())
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
		return nil, endpointError(err)
	}
	return token, nil
}

package client

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/bearer"
)

// RelayConfig configures a [Relay].
type RelayConfig struct {
	// Issuers are the issuer identifiers whose tokens the called API accepts, as its
	// own configuration names them. A token of another issuer is not handed on, since
	// the called API would be the first to see it. Required.
	Issuers []string

	// Audience is what a token's aud must contain, exactly: the identifier by which
	// the called API knows itself. Default: [Config.Resource].
	Audience string

	// Exchange gets another token if the request's own may not be handed on. It must
	// not have a Key. Default: nil, and such a request fails.
	Exchange *Exchange
}

// Relay is a [Source] that hands on the token of the request that is being handled.
// It does so only if the token was meant for the called API too: its aud names that
// API, its issuer is one that the API trusts, it is not bound to a key or a
// certificate, and it has not expired. For all other tokens it exchanges the token,
// if it has an [Exchange], or it fails. Use [NewRelay] to build one.
//
// The outgoing request must have the context of the request that is being handled.
// The called API can use the token at each API that its aud names, including yours,
// so prefer an [Exchange] where the authorization server offers it (RFC 9700,
// Section 2.3).
type Relay struct{ config RelayConfig }

var _ ContextSource = (*Relay)(nil)

// NewRelay returns a source. It reports all mistakes in the configuration at once
// and does not use the network.
func NewRelay(c RelayConfig) (*Relay, error) {
	var errs []error
	if len(c.Issuers) == 0 {
		errs = append(errs, errors.New("client: RelayConfig.Issuers is empty; want the issuers whose tokens the called API accepts"))
	}
	if slices.Contains(c.Issuers, "") {
		errs = append(errs, errors.New("client: RelayConfig.Issuers contains an empty string; want issuer identifiers"))
	}
	if c.Exchange != nil && c.Exchange.config.Endpoint.Key != nil {
		errs = append(errs, errors.New("client: RelayConfig.Exchange has a Key, so its tokens are of type DPoP, and those handed on are of type Bearer; use the Exchange as Config.Tokens, or leave out its Key"))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	c.Issuers = slices.Clone(c.Issuers)
	return &Relay{c}, nil
}

// PerRequest marks the source: see [ContextSource].
func (s *Relay) PerRequest() {}

// Token returns the token of the request that is being handled, or one that was
// exchanged for it. Only the person can step up.
func (s *Relay) Token(ctx context.Context, want Want) (*oauth2.Token, error) {
	if want.StepUp != nil {
		return nil, ErrNoStepUp
	}
	own, err := subjectOf(ctx)
	if err != nil {
		return nil, err
	}
	p := &own.principal
	switch unfit := s.unfit(p, want.Resource); {
	case unfit == "" && p.Scopes.Contains(want.Scope):
		if want.Refused == own.token {
			return nil, ErrNoFreshToken
		}
		token := &oauth2.Token{AccessToken: own.token, TokenType: schemeBearer, Expiry: p.Expires}
		return token.WithExtra(map[string]any{"scope": p.Scopes.String()}), nil
	case s.config.Exchange != nil:
		return s.config.Exchange.Token(ctx, want)
	case unfit == "":
		return nil, ErrNoMoreScope
	default:
		return nil, &sourceError{remedy: FixRequest, text: "the token of the request that is being handled is not handed on: " + unfit + "; set RelayConfig.Exchange to exchange such tokens"}
	}
}

// unfit says why a token may not be handed on. It returns "" if it may.
func (s *Relay) unfit(p *bearer.Principal, resource string) string {
	audience := s.config.Audience
	if audience == "" {
		audience = resource
	}
	switch {
	case !p.HasAudience(audience):
		return fmt.Sprintf("it is for the audience %s, want %q, the called API", quoted(p.Audience()), audience)
	case !slices.Contains(s.config.Issuers, p.Issuer):
		return fmt.Sprintf("it is from the issuer %.200q, want one of %s (RelayConfig.Issuers)", p.Issuer, quoted(s.config.Issuers))
	case !p.Confirmation.IsZero():
		return "it is bound to a key or certificate of the caller, which only the caller can prove"
	}
	return ""
}

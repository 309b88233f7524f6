package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/internal/nilcheck"
	"github.com/bearerkit/bearerkit/internal/setting"
	"github.com/bearerkit/bearerkit/scope"
)

// Identifiers of RFC 8693, Sections 2.1 and 3.
const (
	grantExchange   = "urn:ietf:params:oauth:grant-type:token-exchange"
	typeAccessToken = "urn:ietf:params:oauth:token-type:access_token"
	typeIDToken     = "urn:ietf:params:oauth:token-type:id_token"
)

// ExchangeConfig configures an [Exchange].
type ExchangeConfig struct {
	// Endpoint is the token endpoint, and the client that your API is there.
	// Required. Its Issuer is the default of Issuers.
	Endpoint Endpoint

	// Issuers are the issuer identifiers whose tokens are sent to the endpoint. Add an
	// issuer only if its own policy allows that: the endpoint's server could use the
	// tokens. Default: Endpoint.Issuer. One of the two is required.
	Issuers []string

	// Scope holds the scopes that each token is requested with. Default: none, so that
	// the server decides. Those that the called API requires are added: see
	// [Config.AllowScope].
	Scope scope.Set

	// Resource is the identifier of the called API for the server (RFC 8707). Default:
	// [Config.Resource].
	Resource string

	// OmitResource leaves the resource parameter out, for servers that do not know it.
	OmitResource bool

	// Audience holds logical names of the called API (RFC 8693, Section 2.1), such as
	// its client ID at Keycloak. Default: none.
	Audience []string

	// Actor provides the token of your API itself, as the party that acts for the
	// person (RFC 8693, Section 1.1). Its tokens are of type Bearer. They are kept
	// until they expire. Default: nil, no actor_token.
	Actor Source

	// CacheEntries and CacheBytes bound the cache of exchanged tokens. Default: 10,000
	// entries and 32 MiB. Negative: no cache.
	CacheEntries, CacheBytes int
}

const (
	defaultCacheEntries = 10_000
	defaultCacheBytes   = 32 << 20
)

// Exchange is a [Source] that exchanges the token of the request that is being
// handled for one for the called API (RFC 8693). Use [NewExchange] to build one. It
// is safe for concurrent use, also by several Transports.
//
// The outgoing request must have the context of the request that is being handled.
// An exchanged token is used again for requests with the same token, until either
// of the two expires. Requests that need the same exchange share one.
type Exchange struct {
	config   ExchangeConfig
	endpoint *tokenEndpoint
	actor    *vault // nil: none
	cache    *exchanged
}

var _ ContextSource = (*Exchange)(nil)

// NewExchange returns a source. It reports all mistakes in the configuration at once
// and does not use the network.
func NewExchange(c ExchangeConfig) (*Exchange, error) {
	var errs []error
	mistake := func(text string) { errs = append(errs, errors.New("client: ExchangeConfig."+text)) }
	endpoint, err := c.Endpoint.compile("ExchangeConfig.Endpoint")
	if err != nil {
		errs = append(errs, err)
	}
	if len(c.Issuers) == 0 && c.Endpoint.Issuer == "" {
		mistake("Issuers and Endpoint.Issuer are empty; want the issuers whose tokens may be sent to the endpoint")
	}
	if slices.Contains(c.Issuers, "") {
		mistake("Issuers contains an empty string; want issuer identifiers")
	}
	if slices.Contains(c.Audience, "") {
		mistake("Audience contains an empty string; want names of the called API")
	}
	if c.OmitResource && c.Resource != "" {
		mistake("Resource and OmitResource are both set; want one of them")
	}
	if _, perRequest := c.Actor.(ContextSource); perRequest {
		mistake("Actor is a source of tokens for each request; want one of your API's own tokens, such as NewClientCredentials")
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if c.Issuers = slices.Clone(c.Issuers); len(c.Issuers) == 0 {
		c.Issuers = []string{c.Endpoint.Issuer}
	}
	c.Audience = slices.Clone(c.Audience)
	s := &Exchange{config: c, endpoint: endpoint}
	s.cache = newExchanged(setting.OrDefault(c.CacheEntries, defaultCacheEntries), setting.OrDefault(c.CacheBytes, defaultCacheBytes))
	if !nilcheck.IsNil(c.Actor) {
		s.actor = &vault{transport: &Transport{config: Config{Tokens: c.Actor}, log: slog.New(slog.DiscardHandler)}}
	}
	return s, nil
}

// PerRequest marks the source: see [ContextSource].
func (s *Exchange) PerRequest() {}

// Token returns a token in exchange for that of the request that is being handled.
// Only the person can step up. The error of a refusal wraps an [*ExchangeError].
func (s *Exchange) Token(ctx context.Context, want Want) (*oauth2.Token, error) {
	if want.StepUp != nil {
		return nil, ErrNoStepUp
	}
	own, err := subjectOf(ctx)
	if err != nil {
		return nil, err
	}
	if p := &own.principal; !slices.Contains(s.config.Issuers, p.Issuer) {
		return nil, &sourceError{remedy: FixRequest, text: fmt.Sprintf("the token of the request that is being handled is not exchanged: it is from the issuer %.200q, want one of %s (ExchangeConfig.Issuers)", p.Issuer, quoted(s.config.Issuers))}
	}
	form := s.form(own, want)
	key := exchangeKeyOf(own.token, form.Get("resource"), form.Get("scope"))
	return s.cache.get(ctx, key, want.Refused, func(ctx context.Context) (*oauth2.Token, error) {
		return s.exchange(ctx, own, form)
	})
}

// form returns the request for a token, without the actor (RFC 8693, Section 2.1).
func (s *Exchange) form(own subject, want Want) url.Values {
	form := s.endpoint.form(grantExchange)
	form.Set("subject_token", own.token)
	form.Set("subject_token_type", typeAccessToken)
	form.Set("requested_token_type", typeAccessToken)
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
	if len(s.config.Audience) > 0 {
		form["audience"] = s.config.Audience
	}
	return form
}

// exchange requests a token. If the server may have refused the actor's token, it
// tries once more with a fresh one.
func (s *Exchange) exchange(ctx context.Context, own subject, form url.Values) (*oauth2.Token, error) {
	if s.actor == nil {
		return s.request(ctx, own, form)
	}
	actor, err := s.actor.get(ctx, need{})
	if err != nil {
		return nil, actorError(err)
	}
	token, err := s.request(ctx, own, withActor(form, actor))
	refused, ok := errors.AsType[*ExchangeError](err)
	if !ok || refused.Code != "invalid_request" && refused.Code != "invalid_grant" && refused.Code != "invalid_token" {
		return token, err
	}
	fresh, actorErr := s.actor.get(ctx, need{seen: actor, refused: true})
	if actorErr != nil {
		return nil, err // the first refusal says more
	}
	return s.request(ctx, own, withActor(form, fresh))
}

func withActor(form url.Values, actor *held) url.Values {
	form["actor_token"] = []string{actor.token.AccessToken}
	form["actor_token_type"] = []string{typeAccessToken}
	return form
}

// actorError returns the error for that of the actor's source. The person cannot
// help: it is the API's own token.
func actorError(err error) *sourceError {
	remedy, text := remedyOf(err, FixRequest)
	if remedy != Unavailable {
		remedy = FixRequest
	}
	e := &sourceError{remedy: remedy, text: "no token of ExchangeConfig.Actor: " + text, err: err}
	if own, ok := errors.AsType[*sourceError](err); ok {
		e.retryAfter = own.retryAfter
	}
	return e
}

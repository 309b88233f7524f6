package client

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/internal/strictjson"
	"github.com/bearerkit/bearerkit/internal/tokenendpoint"
	"github.com/bearerkit/bearerkit/scope"
)

// session is what LoginConfig.Save gets, as JSON.
type session struct {
	API          string    `json:"api"`
	Resource     string    `json:"resource"`
	Issuer       string    `json:"issuer"`
	Endpoint     string    `json:"token_endpoint"`
	ClientID     string    `json:"client_id"`
	ClientSecret string    `json:"client_secret,omitzero"` // of a dynamic registration
	Expires      time.Time `json:"client_secret_expires,omitzero"`
	Method       string    `json:"token_endpoint_auth_method"`
	Redirect     string    `json:"redirect_uri,omitzero"` // of a dynamic registration
	Scope        string    `json:"scope"`
	RefreshToken string    `json:"refresh_token"`
}

// save hands the current session to LoginConfig.Save: nil if there is no refresh
// token.
func (l *Login) save() {
	if l.config.Save == nil {
		return
	}
	g := l.grant
	if g == nil || g.refresh == "" {
		l.config.Save(nil)
		return
	}
	s := session{
		API: g.api, Resource: g.resource, Issuer: g.found.Issuer, Endpoint: g.found.TokenEndpoint,
		ClientID: g.who.auth.ClientID, Method: g.who.auth.Method, Scope: g.scope.String(), RefreshToken: g.refresh,
	}
	if g.who.redirect != "" {
		s.ClientSecret, s.Expires, s.Redirect = g.who.auth.Secret, g.who.expires, g.who.redirect
	}
	document, err := json.Marshal(s)
	if err != nil {
		document = nil // a server's text that is not UTF-8 is refused before
	}
	l.config.Save(document)
}

// restore makes the grant of a saved session. It returns nil without an error if the
// session is of no use: its client or its authorization server is not the configured
// one, or its registration has expired.
func (l *Login) restore(document []byte) (*grant, error) {
	var s session
	if err := strictjson.CheckDepth(document); err != nil {
		return nil, errors.New("not a session of a Login")
	}
	if err := json.Unmarshal(document, &s); err != nil || s.API == "" || s.Endpoint == "" || s.ClientID == "" || s.RefreshToken == "" {
		return nil, errors.New("not a session of a Login") // the error may quote a secret
	}
	scopes, err := scope.Parse(s.Scope)
	if err != nil {
		return nil, errors.New("not a session of a Login: its scope is malformed")
	}
	if _, err := l.client.CheckURL(s.Endpoint); err != nil {
		return nil, fmt.Errorf("its token endpoint: %w", err)
	}
	c := l.config
	if len(c.Discovery.Issuers) > 0 && !slices.Contains(c.Discovery.Issuers, s.Issuer) {
		return nil, nil
	}
	who := &registration{issuer: s.Issuer, redirect: s.Redirect, expires: s.Expires}
	who.auth = tokenendpoint.Auth{Method: s.Method, ClientID: s.ClientID, Secret: s.ClientSecret, Key: l.key}
	switch {
	case s.Redirect == "" && s.ClientID != c.ClientID && s.ClientID != c.ClientMetadataURL:
		return nil, nil
	case s.Redirect == "":
		who.auth.Secret = c.ClientSecret
	case c.ClientID != "" || !who.fits(s.Issuer, s.Redirect):
		return nil, nil
	default:
		l.registered = who
	}
	if !who.auth.Fits() {
		return nil, nil // the credentials for the method are not configured any more
	}
	found := Discovery{Issuer: s.Issuer, TokenEndpoint: s.Endpoint, Resource: s.Resource}
	return &grant{
		api: s.API, resource: s.Resource, found: found, who: who, endpoint: l.endpoint(found, who.auth),
		token: new(oauth2.Token), refresh: s.RefreshToken, scope: scopes,
	}, nil
}

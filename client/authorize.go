package client

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/scope"
)

// logIn lets a person log in: discovery, registration, authorization, code.
func (l *Login) logIn(ctx context.Context, want Want) (*grant, error) {
	ctx, cancel := context.WithTimeout(ctx, l.config.timeout())
	defer cancel()
	found, err := l.config.Discovery.discover(ctx, l.client, want.Resource, want.Challenge)
	if err != nil {
		return nil, err
	}
	if err := l.suits(found); err != nil {
		return nil, err
	}
	redirect, stop, err := l.listen()
	if err != nil {
		return nil, err
	}
	defer stop()
	who, err := l.register(ctx, found, redirect)
	if err != nil {
		return nil, err
	}
	if who.redirect != "" {
		l.registered = who
	}
	g := &grant{
		api: want.Resource, resource: found.Resource, found: found, who: who,
		endpoint: l.endpoint(found, who.auth), scope: l.scopes(found, want),
	}
	a := &attempt{state: rand.Text(), issuer: found.Issuer, issRequired: found.server.IssInAnswer, answers: make(chan url.Values, 1)}
	verifier := oauth2.GenerateVerifier()
	page, err := l.page(found, who.auth.ClientID, redirect, a.state, verifier, g.scope, want.StepUp)
	if err != nil {
		return nil, err
	}
	code, err := l.ask(ctx, a, page)
	if err != nil {
		return nil, err
	}
	// The code can be used only once, so the request goes on if the caller gives up.
	token, err := g.endpoint.Token(context.WithoutCancel(ctx), url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirect}, "code_verifier": {verifier}, "resource": l.resources(found.Resource),
	})
	if err != nil {
		return nil, endpointError(err)
	}
	g.take(token)
	return g, nil
}

// suits reports why a person cannot log in at the server.
func (l *Login) suits(found Discovery) error {
	server := fetch.Redact(found.Issuer)
	switch {
	case found.AuthorizationEndpoint == "":
		return &sourceError{remedy: FixRequest, text: fmt.Sprintf("the authorization server %q has no authorization_endpoint, so nobody can log in there", server)}
	case !slices.Contains(found.server.ChallengeMethods, "S256") && !found.legacy && !l.config.InsecureAssumePKCE:
		// MCP 2025-11-25, "Authorization Code Protection": refuse to proceed.
		return &sourceError{remedy: FixRequest, text: fmt.Sprintf("the authorization server %q lists the code_challenge_methods_supported %s, want S256; set InsecureAssumePKCE if it supports S256 nevertheless", server, few(found.server.ChallengeMethods))}
	case !l.isOwnPage(found):
		return &sourceError{remedy: FixRequest, text: fmt.Sprintf("the login page of the authorization server %q is at %q, and the server does not name itself in its answers (RFC 9207), so it could be another server's page; set Discovery.Issuers if you trust the server", server, fetch.Redact(found.AuthorizationEndpoint))}
	case found.bound && l.prover == nil:
		return &sourceError{remedy: FixRequest, text: "the API requires tokens that are bound to a key; set LoginConfig.Key and Config.Key"}
	}
	return nil
}

// isOwnPage reports whether the login page is certainly that of the server. A server
// could name the page of another server, where the person logs in, and get the code
// at its own token endpoint (RFC 9700, Section 4.4). The page is its own if it is at
// its origin, if the answer will say so, or if the program trusts the server.
func (l *Login) isOwnPage(found Discovery) bool {
	if found.server.IssInAnswer || slices.Contains(l.config.Discovery.Issuers, found.Issuer) {
		return true
	}
	issuer, err := url.Parse(found.Issuer)
	page, wrong := url.Parse(found.AuthorizationEndpoint)
	return err == nil && wrong == nil && originOf(issuer) == originOf(page)
}

// few shows a server's list in an error, shortened.
func few(list []string) string {
	return fmt.Sprintf("%.100q", list[:min(len(list), 5)])
}

// scopes selects the scopes of the authorization request (MCP 2025-11-25, "Scope
// Selection Strategy"): those of the challenge, or else those of the API's metadata.
func (l *Login) scopes(found Discovery, want Want) scope.Set {
	needed := want.Scope
	if needed.IsEmpty() && l.grant != nil {
		needed = l.grant.scope
	}
	if needed.IsEmpty() {
		needed = allowed(found.Scopes, want.AllowScope)
	}
	if !needed.IsEmpty() && slices.Contains(found.server.ScopesSupported, offlineAccess) {
		needed = needed.Union(scope.Of(offlineAccess))
	}
	return needed.Union(l.config.Scope)
}

// allowed returns the scopes of the API's metadata that the API may cause a request
// for. It leaves the others out, since the metadata lists what the API supports, not
// what the request needs.
func allowed(supported scope.Set, allow func(name string) bool) scope.Set {
	if allow == nil {
		return supported
	}
	var set scope.Set
	for _, name := range supported.Names() {
		if allow(name) {
			set = set.Union(scope.Of(name))
		}
	}
	return set
}

// offlineAccess is the scope for a refresh token (OpenID Connect Core 1.0, Section
// 11).
const offlineAccess = "offline_access"

// page returns the URL of the authorization request.
func (l *Login) page(found Discovery, clientID, redirect, state, verifier string, scopes scope.Set, need *StepUp) (string, error) {
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier)}
	for _, resource := range l.resources(found.Resource) {
		options = append(options, oauth2.SetAuthURLParam("resource", resource))
	}
	if scopes.Has(offlineAccess) { // OpenID Connect Core 1.0, Section 11
		options = append(options, oauth2.SetAuthURLParam("prompt", "consent"))
	}
	if need != nil { // RFC 9470, Section 4
		if len(need.ACRValues) > 0 {
			options = append(options, oauth2.SetAuthURLParam("acr_values", strings.Join(need.ACRValues, " ")))
		}
		if need.MaxAge >= 0 {
			options = append(options, oauth2.SetAuthURLParam("max_age", strconv.FormatInt(int64(need.MaxAge/time.Second), 10)))
		}
	}
	if l.prover != nil { // RFC 9449, Section 10
		thumbprint, err := dpop.Thumbprint(l.prover.key.Public())
		if err != nil {
			return "", &sourceError{remedy: FixRequest, text: "LoginConfig.Key has no thumbprint", err: err}
		}
		options = append(options, oauth2.SetAuthURLParam("dpop_jkt", thumbprint))
	}
	request := oauth2.Config{
		ClientID: clientID, RedirectURL: redirect, Scopes: scopes.Names(),
		Endpoint: oauth2.Endpoint{AuthURL: found.AuthorizationEndpoint},
	}
	return request.AuthCodeURL(state, options...), nil
}

// ask shows the page to the person, and waits for the code.
func (l *Login) ask(ctx context.Context, a *attempt, page string) (code string, err error) {
	l.pending.Store(a)
	defer l.pending.Store(nil)
	if err := l.config.Open(ctx, page); err != nil {
		return "", &sourceError{remedy: SignIn, text: "the login page cannot be opened", err: err}
	}
	select {
	case answer := <-a.answers:
		return a.code(answer)
	case <-ctx.Done():
		return "", &sourceError{remedy: SignIn, text: fmt.Sprintf("nobody logged in within %v", l.config.timeout()), err: ctx.Err()}
	}
}

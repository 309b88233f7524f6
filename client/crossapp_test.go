package client_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/client"
)

const idp = "https://idp.example.com/token"

// withProvider adds an identity provider that issues a grant of the given type, and
// an authorization server that accepts it.
func withProvider(t *testing.T, w *world, issuedType string) (asked, used *url.Values) {
	asked, used = new(url.Values), new(url.Values)
	form := func(r *http.Request) url.Values {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		return r.PostForm
	}
	w.serve("idp.example.com", "POST /token", func(rw http.ResponseWriter, r *http.Request) {
		*asked = form(r)
		writeJSON(rw, 200, map[string]any{"access_token": "a.grant.x", "issued_token_type": issuedType, "token_type": "N_A"})
	})
	w.serve("login.example.com", "POST /token", func(rw http.ResponseWriter, r *http.Request) {
		*used = form(r)
		w.serveToken(rw, r)
	})
	return asked, used
}

// crossApp is a source that finds the API's authorization server by a challenge.
func crossApp(t *testing.T, w *world) client.Source {
	t.Helper()
	source, err := client.NewDiscovering(client.DiscoveringConfig{
		Discovery: client.DiscoveryConfig{HTTP: w.http(), Issuers: []string{theLogin}},
		Source: func(found client.Discovery) (client.Source, error) {
			return client.NewCrossApp(client.CrossAppConfig{
				IDToken:  func(context.Context) (string, error) { return "an.id.token", nil },
				Provider: client.Endpoint{URL: idp, ClientID: "at-idp", HTTP: w.http()},
				Server:   client.Endpoint{URL: found.TokenEndpoint, Issuer: found.Issuer, ClientID: "app", ClientSecret: "secret", HTTP: w.http()},
			})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// RFC 8693, Section 2.1, and RFC 7523, Section 2.1, as
// draft-ietf-oauth-identity-assertion-authz-grant joins them.
func TestCrossApp(t *testing.T) {
	w := newWorld(t)
	asked, used := withProvider(t, w, "urn:ietf:params:oauth:token-type:id-jag")
	w.token = func(_ url.Values, m map[string]any) { delete(m, "refresh_token") }
	transport, err := client.New(client.Config{Tokens: crossApp(t, w), Resource: theAPI, Base: w})
	if err != nil {
		t.Fatal(err)
	}
	// The world's API grants this grant no scope, which is the answer of a server that
	// knows better.
	_, err = w.call(&http.Client{Transport: transport}, "GET", "/orders")
	if refused, ok := errors.AsType[*client.Error](err); !ok || refused.Remedy != client.AskForScope {
		t.Fatalf("error %v", err)
	}
	for name, want := range map[string]string{
		"grant_type":           "urn:ietf:params:oauth:grant-type:token-exchange",
		"requested_token_type": "urn:ietf:params:oauth:token-type:id-jag",
		"subject_token":        "an.id.token", "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
		"audience": theLogin, "resource": theAPI, "scope": "orders:read", "client_id": "at-idp",
	} {
		if asked.Get(name) != want {
			t.Errorf("the exchange has %s %q, want %q", name, asked.Get(name), want)
		}
	}
	for name, want := range map[string]string{
		"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "a.grant.x", "resource": theAPI, "scope": "orders:read",
	} {
		if used.Get(name) != want {
			t.Errorf("the token request has %s %q, want %q", name, used.Get(name), want)
		}
	}
	if len(w.pages) != 0 {
		t.Errorf("logins %v", w.pages)
	}
}

// RFC 8693, Section 2.2.1: an access token of the provider is no grant, and is not
// sent to the API's server.
func TestCrossAppRefusesOtherTokens(t *testing.T) {
	w := newWorld(t)
	_, used := withProvider(t, w, "urn:ietf:params:oauth:token-type:access_token")
	challenges, err := client.ParseChallenges([]string{w.challenge})
	if err != nil {
		t.Fatal(err)
	}
	_, err = crossApp(t, w).Token(t.Context(), client.Want{Resource: theAPI, Challenge: challenges[0]})
	if err == nil || !strings.Contains(err.Error(), "access_token") || len(*used) > 0 {
		t.Errorf("error %v, token request %v", err, *used)
	}
	if _, err := crossApp(t, w).Token(t.Context(), client.Want{Resource: theAPI}); !errors.Is(err, client.ErrNeedChallenge) {
		t.Errorf("without a challenge: %v", err)
	}
	if _, err := crossApp(t, w).Token(t.Context(), client.Want{Resource: theAPI, Challenge: challenges[0], StepUp: new(client.StepUp)}); !errors.Is(err, client.ErrNoStepUp) {
		t.Errorf("with a step-up: %v", err)
	}
}

func TestCrossAppReportsMistakes(t *testing.T) {
	_, err := client.NewCrossApp(client.CrossAppConfig{})
	for _, fault := range []string{"IDToken is nil", "Server.Issuer is empty", "Provider.URL", "Provider.ClientID", "Server.URL"} {
		if err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("error %v, want one with %q", err, fault)
		}
	}
}

// Discover tells a program what it found, without a Login.
func TestDiscover(t *testing.T) {
	w := newWorld(t)
	w.protected["scopes_supported"] = []string{"orders:read", "orders:write"}
	found, err := client.Discover(t.Context(), client.DiscoveryConfig{HTTP: w.http()}, theAPI, client.Challenge{})
	if err != nil {
		t.Fatal(err)
	}
	if found.Issuer != theLogin || found.TokenEndpoint != theLogin+"/token" || found.Resource != theAPI || found.Scopes.String() != "orders:read orders:write" ||
		found.AuthorizationEndpoint != theLogin+"/authorize" || found.RegistrationEndpoint != theLogin+"/register" {
		t.Errorf("found %+v", found)
	}
	if _, err := client.Discover(t.Context(), client.DiscoveryConfig{Issuers: []string{"x"}}, theAPI, client.Challenge{}); err == nil {
		t.Error("accepted an issuer that is no URL")
	}
	if _, err := client.Discover(t.Context(), client.DiscoveryConfig{HTTP: w.http()}, "http://api.example.com", client.Challenge{}); err == nil {
		t.Error("accepted an API by http")
	}
}

func TestDiscoveringReportsMistakes(t *testing.T) {
	_, err := client.NewDiscovering(client.DiscoveringConfig{Discovery: client.DiscoveryConfig{Issuers: []string{"http://login.example.com"}}})
	for _, fault := range []string{"Source is nil", "Discovery.Issuers[0]"} {
		if err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("error %v, want one with %q", err, fault)
		}
	}
}

// Each step that fails is an error that says which one, and the next is not tried.
func TestCrossAppFails(t *testing.T) {
	const idJAG = "urn:ietf:params:oauth:token-type:id-jag"
	source := func(w *world, idToken func(context.Context) (string, error)) *client.CrossApp {
		s, err := client.NewCrossApp(client.CrossAppConfig{
			IDToken:  idToken,
			Provider: client.Endpoint{URL: idp, ClientID: "at-idp", HTTP: w.http()},
			Server:   client.Endpoint{URL: theLogin + "/token", Issuer: theLogin, ClientID: "app", HTTP: w.http()},
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	good := func(context.Context) (string, error) { return "an.id.token", nil }
	w := newWorld(t)
	asked, used := withProvider(t, w, idJAG)
	gone := errors.New("the session is over")
	if _, err := source(w, func(context.Context) (string, error) { return "", gone }).Token(t.Context(), client.Want{}); !errors.Is(err, gone) || len(*asked) > 0 {
		t.Errorf("without an ID token: %v", err)
	}
	// Without scopes and a resource, the requests have none.
	if _, err := source(w, good).Token(t.Context(), client.Want{}); err != nil {
		t.Error(err)
	}
	for _, form := range []url.Values{*asked, *used} {
		if form.Has("scope") || form.Has("resource") {
			t.Errorf("form %v", form)
		}
	}
	w.serve("login.example.com", "POST /token", respond(400, `{"error":"invalid_grant"}`))
	if token, err := source(w, good).Token(t.Context(), client.Want{}); token != nil || err == nil || !strings.Contains(err.Error(), "invalid_grant") {
		t.Errorf("a refused grant: %v, %v", token, err)
	}
	*used = nil
	w.serve("idp.example.com", "POST /token", respond(400, `{"error":"access_denied"}`))
	if token, err := source(w, good).Token(t.Context(), client.Want{}); token != nil || err == nil || !strings.Contains(err.Error(), "access_denied") || len(*used) > 0 {
		t.Errorf("a refused exchange: %v, %v", token, err)
	}
}

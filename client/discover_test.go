package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/client"
)

// An outage of the API's metadata does not lead to the configured server, nor to one
// at the API's origin: the metadata may say otherwise.
func TestOutageOfTheMetadata(t *testing.T) {
	for name, c := range map[string]client.DiscoveryConfig{"Issuers": {Issuers: []string{theLogin}}, "InsecureAllowNoMetadata": {InsecureAllowNoMetadata: true}} {
		w := newWorld(t)
		w.serve("api.example.com", "GET "+wellKnownAPI, respond(503, ""))
		c.HTTP = w.http()
		found, err := client.Discover(t.Context(), c, theAPI, client.Challenge{})
		if err == nil || !strings.Contains(err.Error(), "503") || len(w.asked(theLogin)) > 0 {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
	}
	// The same holds for metadata at the API's origin.
	w := newWorld(t)
	w.serve("api.example.com", "GET "+wellKnownAPI, http.NotFound)
	w.serve("api.example.com", "GET "+wellKnownLogin, respond(503, ""))
	found, err := client.Discover(t.Context(), client.DiscoveryConfig{HTTP: w.http(), InsecureAllowNoMetadata: true}, theAPI, client.Challenge{})
	if err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("at the origin: %+v, %v", found, err)
	}
}

// A server at the API's own origin, with metadata (MCP 2025-03-26).
func TestMetadataAtTheOrigin(t *testing.T) {
	w := newWorld(t)
	w.serve("api.example.com", "GET "+wellKnownAPI, http.NotFound)
	w.serve("api.example.com", "GET "+wellKnownLogin, respond(200, `{"issuer":"https://api.example.com/oauth","token_endpoint":"https://api.example.com/oauth/token"}`))
	found, err := client.Discover(t.Context(), client.DiscoveryConfig{HTTP: w.http(), InsecureAllowNoMetadata: true}, theAPI, client.Challenge{})
	if err != nil || found.Issuer != "https://api.example.com/oauth" || found.TokenEndpoint != "https://api.example.com/oauth/token" || found.Resource != theAPI {
		t.Errorf("%+v, %v", found, err)
	}
}

// The error of a server that is not trusted names both.
func TestUntrustedIssuer(t *testing.T) {
	w := newWorld(t)
	w.protected["authorization_servers"] = slices.Repeat([]string{"https://other.example.com"}, 1000)
	_, err := client.Discover(t.Context(), client.DiscoveryConfig{HTTP: w.http(), Issuers: []string{theLogin}}, theAPI, client.Challenge{})
	if err == nil || !strings.Contains(err.Error(), `"https://other.example.com"`) || !strings.Contains(err.Error(), "trusted ["+`"`+theLogin) || len(err.Error()) > 1000 {
		t.Errorf("error %v", err)
	}
}

// http is for loopback hosts, and for those who ask for it.
func TestInsecureAllowHTTP(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		asked := 0
		c := client.DiscoveryConfig{InsecureAllowHTTP: allowed, HTTP: &http.Client{Transport: roundTripFunc(func(*http.Request) (*http.Response, error) {
			asked++
			return nil, errors.New("no network")
		})}}
		_, err := client.Discover(t.Context(), c, "http://api.internal/v1", client.Challenge{})
		if err == nil || (asked > 0) != allowed {
			t.Errorf("allowed %t: %v, %d requests", allowed, err, asked)
		}
		if source, err := client.NewDiscovering(client.DiscoveringConfig{Discovery: c, Source: func(client.Discovery) (client.Source, error) { return nil, nil }}); err != nil {
			t.Error(err)
		} else {
			asked = 0
			_, err := source.Token(t.Context(), client.Want{Resource: "http://api.internal/v1", Challenge: client.Challenge{Scheme: "Bearer"}})
			if err == nil || (asked > 0) != allowed {
				t.Errorf("allowed %t: %v, %d requests", allowed, err, asked)
			}
		}
		c.Issuers = []string{"http://login.internal"}
		source, err := client.NewDiscovering(client.DiscoveringConfig{Discovery: c, Source: func(client.Discovery) (client.Source, error) { return nil, nil }})
		if (err == nil) != allowed {
			t.Errorf("allowed %t: NewDiscovering: %v", allowed, err)
		}
		if source != nil {
			asked = 0
			_, err := source.Token(t.Context(), client.Want{Resource: "http://api.internal/v1", Challenge: client.Challenge{Scheme: "Bearer"}})
			if err == nil || asked == 0 {
				t.Errorf("allowed %t: %v, %d requests", allowed, err, asked)
			}
		}
		login := client.LoginConfig{Open: newWorld(t).browse, ClientName: "a", Discovery: c}
		if l, err := client.NewLogin(login); (err == nil) != allowed {
			t.Errorf("allowed %t: NewLogin: %v", allowed, err)
		} else if l != nil {
			asked = 0
			_, err := l.Token(t.Context(), client.Want{Resource: "http://api.internal/v1", Challenge: client.Challenge{Scheme: "Bearer"}})
			if err == nil || asked == 0 {
				t.Errorf("allowed %t: %v, %d requests", allowed, err, asked)
			}
		}
	}
}

// An API on loopback may name a server on loopback, as in development.
func TestServerOnLoopback(t *testing.T) {
	w := newWorld(t)
	const api, issuer = "https://localhost:8443/v1", "https://localhost:9443"
	w.serve("localhost:8443", "GET "+wellKnownAPI, respond(200, `{"resource":"`+api+`","authorization_servers":["`+issuer+`"]}`))
	w.serve("localhost:9443", "GET "+wellKnownLogin, respond(200, `{"issuer":"`+issuer+`","token_endpoint":"`+issuer+`/token"}`))
	if found, err := client.Discover(t.Context(), client.DiscoveryConfig{HTTP: w.http()}, api, client.Challenge{}); err != nil || found.Issuer != issuer {
		t.Errorf("%+v, %v", found, err)
	}
}

// A document with many scopes does not cause a long request.
func TestManyScopes(t *testing.T) {
	w := newWorld(t)
	var names []string
	for i := range 1000 {
		names = append(names, fmt.Sprintf("scope-%d", i))
	}
	w.protected["scopes_supported"] = names
	found, err := client.Discover(t.Context(), client.DiscoveryConfig{HTTP: w.http()}, theAPI, client.Challenge{})
	if err != nil || found.Scopes.Len() != 64 {
		t.Errorf("%d scopes, %v", found.Scopes.Len(), err)
	}
}

// The resource's slash at the end does not matter, nor does a default port.
func TestSameResource(t *testing.T) {
	for _, named := range []string{theAPI, theAPI + "/", "https://API.example.com/v1", "HTTPS://api.example.com:443/v1"} {
		w := newWorld(t)
		w.protected["resource"] = named
		if found, err := client.Discover(t.Context(), client.DiscoveryConfig{HTTP: w.http()}, theAPI, client.Challenge{}); err != nil || found.Resource != named {
			t.Errorf("%q: %+v, %v", named, found, err)
		}
	}
	// Only a document at the root describes all of the origin, and no query.
	w := newWorld(t)
	w.protected["resource"] = "https://api.example.com?tenant=a"
	w.serve("api.example.com", "GET "+wellKnownAPI, http.NotFound)
	w.serve("api.example.com", "GET /.well-known/oauth-protected-resource", func(rw http.ResponseWriter, _ *http.Request) { writeJSON(rw, 200, w.protected) })
	if found, err := client.Discover(t.Context(), client.DiscoveryConfig{HTTP: w.http()}, theAPI, client.Challenge{}); err == nil {
		t.Errorf("%+v", found)
	}
}

// The source behind a discovery is made once. Its errors, and those of the discovery,
// are not remembered.
func TestDiscoveringTriesAgain(t *testing.T) {
	w := newWorld(t)
	built := 0
	fail := errors.New("no secret yet")
	s, err := client.NewDiscovering(client.DiscoveringConfig{
		Discovery: client.DiscoveryConfig{HTTP: w.http()},
		Source: func(client.Discovery) (client.Source, error) {
			if built++; built == 1 {
				return nil, fail
			}
			return client.FromTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "a"})), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := client.Want{Resource: theAPI, Challenge: client.Challenge{Scheme: "Bearer"}}
	before := w.hosts["api.example.com"]
	w.serve("api.example.com", "GET "+wellKnownAPI, respond(503, ""))
	if _, err := s.Token(t.Context(), want); err == nil || built != 0 {
		t.Errorf("during an outage: %v", err)
	}
	w.hosts["api.example.com"] = before
	if _, err := s.Token(t.Context(), want); !errors.Is(err, fail) {
		t.Errorf("error %v", err)
	}
	for range 2 {
		if token, err := s.Token(t.Context(), want); err != nil || token.AccessToken != "a" || built != 2 {
			t.Errorf("%v, %v, %d sources", token, err, built)
		}
	}
	want.Challenge = client.Challenge{} // it is known now
	if _, err := s.Token(t.Context(), want); err != nil {
		t.Error(err)
	}
}

// The server that one API names gets no request for another API.
func TestDiscoveringIsForOneAPI(t *testing.T) {
	w := newWorld(t)
	asked := 0
	s, err := client.NewDiscovering(client.DiscoveringConfig{
		Discovery: client.DiscoveryConfig{HTTP: w.http()},
		Source: func(client.Discovery) (client.Source, error) {
			return sourceFunc(func(context.Context, client.Want) (*oauth2.Token, error) {
				asked++
				return &oauth2.Token{AccessToken: "a"}, nil
			}), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := client.Want{Resource: theAPI, Challenge: client.Challenge{Scheme: "Bearer"}}
	if _, err := s.Token(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	want.Resource = "https://other.example.com"
	if token, err := s.Token(t.Context(), want); token != nil || err == nil || !strings.Contains(err.Error(), "one DiscoveringSource for each API") || asked != 1 {
		t.Errorf("%v, %v, %d requests", token, err, asked)
	}
}

// byRequest is a source whose tokens depend on the request.
type byRequest struct{ client.Source }

func (byRequest) PerRequest() {}

// One user's token must not reach another's request by way of the DiscoveringSource.
func TestDiscoveringRefusesSources(t *testing.T) {
	for name, source := range map[string]client.Source{"nil": nil, "a nil pointer": (*client.Login)(nil), "per request": byRequest{}} {
		w := newWorld(t)
		s, err := client.NewDiscovering(client.DiscoveringConfig{
			Discovery: client.DiscoveryConfig{HTTP: w.http()},
			Source:    func(client.Discovery) (client.Source, error) { return source, nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		token, err := s.Token(t.Context(), client.Want{Resource: theAPI, Challenge: client.Challenge{Scheme: "Bearer"}})
		if token != nil || err == nil || !strings.Contains(err.Error(), "DiscoveringConfig.Source returned") {
			t.Errorf("%s: %v, %v", name, token, err)
		}
	}
}

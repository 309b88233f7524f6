package interop_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/client"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/scope"
)

// person logs in at an authorization server whenever a client.Login asks, and comes
// back to the program.
type person struct {
	t     *testing.T
	user  login
	pages []url.Values // the authorization requests
}

func (p *person) open(ctx context.Context, page string) error {
	u, err := url.Parse(page)
	if err != nil {
		return err
	}
	params := u.Query()
	p.pages = append(p.pages, u.Query())
	u.RawQuery = ""
	browser := oauthClient{id: params.Get("client_id"), redirectURI: params.Get("redirect_uri")}
	back := browser.authorize(p.t, u.String(), params, p.user)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, browser.redirectURI+"?"+back.Encode(), nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// principalAt calls a route and returns what the API knows of the caller.
func principalAt(t *testing.T, a *boundAPI, caller *http.Client, path string) (p principal) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := caller.Do(r)
	if err != nil {
		t.Fatalf("%s: %v\n%s", path, err, a.logged())
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || json.Unmarshal(body, &p) != nil {
		t.Fatalf("%s: %s %s, %v\n%s", path, answer.Status, body, err, a.logged())
	}
	return p
}

// A program on package client knows the URL of an API. A person logs in at a real
// authorization server: for the first request, for more scopes, and for a step-up.
// With a key, everything is bound to it, with the nonces of both servers.
func TestLoginFromA401(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	nonces, err := dpop.NewNonces(dpop.NoncesConfig{})
	if err != nil {
		t.Fatal(err)
	}
	servers := []struct {
		name   string
		issuer func(t *testing.T) string
		user   login
		steps  bool // the server knows acr_values
	}{
		{"bearer dev", func(t *testing.T) string { return startBearerDev(t, "--config", "testdata/dev-nonces.json") }, devUser("alice"), true},
		{"oidc-provider", func(t *testing.T) string { return sharedNodeOP(t).issuer }, nodeLogin, false},
	}
	for _, server := range servers {
		for _, bound := range []crypto.Signer{nil, key} {
			t.Run(fmt.Sprintf("%s, bound %t", server.name, bound != nil), func(t *testing.T) {
				config := boundConfig{issuer: server.issuer(t)}
				if bound != nil {
					config.proofsRequired, config.nonces = true, nonces
				}
				a := newBoundAPI(t, config)
				p := &person{t: t, user: server.user}
				var session []byte
				c := client.LoginConfig{Open: p.open, ClientName: "interop", Key: bound, Save: func(s []byte) { session = s }}
				first := newCaller(t, a, c)
				if got := principalAt(t, a, first, "/orders"); got.Subject != "alice" || !hasScopes(t, got, "orders:read") || hasScopes(t, got, "orders:write") || (got.TokenType == "DPoP") != (bound != nil) {
					t.Errorf("principal %+v", got)
				}
				if got := principalAt(t, a, first, "/place"); !hasScopes(t, got, "orders:read orders:write") {
					t.Errorf("after the login for more scope: %+v", got)
				}
				logins := 2
				if server.steps {
					principalAt(t, a, first, "/strong")
					logins = 3
				}
				if len(p.pages) != logins {
					t.Errorf("%d logins, want %d: %v", len(p.pages), logins, p.pages)
				}
				c.Session = session
				if got := principalAt(t, a, newCaller(t, a, c), "/orders"); got.Subject != "alice" || len(p.pages) != logins {
					t.Errorf("with the session: %+v after %d logins", got, len(p.pages))
				}
			})
		}
	}
}

func hasScopes(t *testing.T, p principal, want string) bool {
	t.Helper()
	granted, err := scope.Parse(p.Scopes)
	if err != nil {
		t.Fatal(err)
	}
	wanted, err := scope.Parse(want)
	if err != nil {
		t.Fatal(err)
	}
	return granted.Contains(wanted)
}

func newCaller(t *testing.T, a *boundAPI, c client.LoginConfig) *http.Client {
	t.Helper()
	login, err := client.NewLogin(c)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := client.New(client.Config{Resource: a.url, Tokens: login, Key: c.Key})
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Transport: transport, Timeout: 30 * time.Second}
}

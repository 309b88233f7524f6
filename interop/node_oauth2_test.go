package interop_test

import (
	"bufio"
	"net/url"
	"testing"

	"github.com/bearerkit/bearerkit/introspect"
)

const (
	nodeOAuth2Folder   = "node-oauth2-server"
	nodeOAuth2Audience = "https://api.example.com/orders"
)

var (
	nodeOAuth2Machine = oauthClient{id: "machine", secret: "machine-secret"}
	nodeOAuth2Brief   = oauthClient{id: "brief", secret: "brief-secret"} // its tokens live for two seconds
	nodeOAuth2Web     = oauthClient{id: "web", secret: "web-secret", redirectURI: "http://127.0.0.1/callback"}
)

// newNodeOAuth2 starts @node-oauth/oauth2-server and returns its URL.
func newNodeOAuth2(t *testing.T) (issuer string) {
	t.Helper()
	needNode(t, nodeOAuth2Folder)
	process, err := launchNode(nodeOAuth2Folder, "server.mjs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.stop)
	process.showIfFailed(t)
	lines := bufio.NewScanner(process.stdout)
	if !lines.Scan() {
		t.Fatal("the server does not start")
	}
	return lines.Text()
}

func TestNodeOAuth2Introspection(t *testing.T) {
	t.Parallel()
	issuer := newNodeOAuth2(t)
	credentials := func(c oauthClient, scope string) string {
		form := url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}
		return c.requestTokens(t, issuer+"/token", form, nil).Access
	}
	c := introspect.Config{
		Issuer:   issuer,
		Auth:     introspect.ClientSecretBasic("api", "api-secret"),
		Audience: []string{nodeOAuth2Audience},
		Leeway:   -1,
	}
	a := newOpaqueAPI(t, c)
	brief := credentials(nodeOAuth2Brief, "orders:read")
	a.accepts(t, "/orders", brief)
	machine := credentials(nodeOAuth2Machine, "orders:read")
	if got := a.accepts(t, "/orders", machine); got.Issuer != issuer || got.ClientID != "machine" || !got.Client || got.Scopes != "orders:read" {
		t.Errorf("principal %+v", got)
	}
	a.wantsScope(t, credentials(nodeOAuth2Machine, "orders:write"))
	user := nodeOAuth2Web.codeFlow(t, issuer+"/auth", issuer+"/token", url.Values{"scope": {"orders:read"}}, nil)
	refreshed := nodeOAuth2Web.requestTokens(t, issuer+"/token", url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {user.Refresh},
	}, nil)
	if got := a.accepts(t, "/orders", refreshed.Access); got.Subject != "alice" || got.ClientID != "web" || got.Client || got.Scopes != "orders:read" {
		t.Errorf("principal %+v", got)
	}
	a.refuses(t, user.Access, "active") // the refresh has replaced it
	a.refuses(t, refreshed.Refresh, "active")
	a.refuses(t, altered(machine), "active")

	other := c
	other.Audience = []string{nodeOAuth2Audience + "/other"}
	newOpaqueAPI(t, other).refuses(t, machine, "aud")
	other = c
	other.Auth = introspect.ClientSecretBasic("api", "another-secret")
	newOpaqueAPI(t, other).refusesOurs(t, machine, "another-secret")

	nodeOAuth2Machine.revoke(t, issuer+"/revoke", machine)
	a.accepts(t, "/orders", machine) // the answer is still cached
	if err := a.opaque.Forget(t.Context(), machine); err != nil {
		t.Fatal(err)
	}
	a.refuses(t, machine, "active")
	a.expires(t, brief)
}

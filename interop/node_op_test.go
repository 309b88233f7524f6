package interop_test

import (
	"bufio"
	"cmp"
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const (
	nodeFolder = "node-oidc-provider"
	nodeAPIs   = "https://api.example.com/"
)

var nodeMachine = oauthClient{id: "machine", secret: "machine-secret"}

func nodeNative(alg string) oauthClient {
	return oauthClient{id: "native-" + alg, redirectURI: "http://127.0.0.1/callback"}
}

// nodeOP is node-oidc-provider in a process of its own, on loopback.
type nodeOP struct {
	issuer, addr string
	stop         func()
}

// newNodeOP starts an OP with new keys. An empty addr is a free port, an empty
// issuer where the OP listens; more is for its environment.
func newNodeOP(t *testing.T, addr, issuer, kid string, more ...string) *nodeOP {
	t.Helper()
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	process := startNode(t, nodeFolder, "server.mjs", append(more, "LISTEN="+addr, "ISSUER="+issuer, "KID="+kid)...)
	lines := bufio.NewScanner(process.stdout)
	if !lines.Scan() {
		t.Fatal("the OP does not start")
	}
	url := lines.Text()
	return &nodeOP{issuer: cmp.Or(issuer, url), addr: strings.TrimPrefix(url, "http://"), stop: process.stop}
}

func (o *nodeOP) endpoint(path string) string { return "http://" + o.addr + path }

// clientCredentials asks for a token for an API, or, without one, an opaque.
func (o *nodeOP) clientCredentials(t *testing.T, api, scope string, header http.Header) tokens {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}
	if api != "" {
		form.Set("resource", nodeAPIs+api)
	}
	return nodeMachine.requestTokens(t, o.endpoint("/token"), form, header)
}

func (o *nodeOP) codeFlow(t *testing.T, c oauthClient, api, scope string) tokens {
	t.Helper()
	params := url.Values{"scope": {scope}, "nonce": {rand.Text()}, "prompt": {"consent"}}
	if api != "" {
		params.Set("resource", nodeAPIs+api)
	}
	return c.codeFlow(t, o.endpoint("/auth"), o.endpoint("/token"), params, nodeLogin)
}

// nodeLogin types into the OP's login form, and consents on the next page.
func nodeLogin(page int, form url.Values) {
	if page == 0 {
		form.Set("login", "alice")
		form.Set("password", "any")
	}
}

// dpopProof proves the possession of a new key to the token endpoint (RFC
// 9449), so that the token is bound to it.
func (o *nodeOP) dpopProof(t *testing.T) string {
	t.Helper()
	return newProofKey(t).proof(t, "POST", o.endpoint("/token"), "")
}

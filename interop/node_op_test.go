package interop_test

import (
	"bufio"
	"cmp"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
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
	process      *childProcess
	key          []byte // PEM; of the client resource-server-key
}

// startNodeOP starts an OP with new keys, whose ids begin with kid. An empty addr
// chooses a free port. An empty issuer is the URL where the OP listens.
func startNodeOP(addr, issuer, kid string) (*nodeOP, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	private, public, err := newClientKey()
	if err != nil {
		return nil, err
	}
	process, err := launchNode(nodeFolder, "server.mjs", "LISTEN="+addr, "ISSUER="+issuer, "KID="+kid, "CLIENT_KEY="+public)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(process.stdout)
	if !lines.Scan() {
		process.stop()
		return nil, fmt.Errorf("the OP does not start:\n%s", process.stderr.String())
	}
	url := lines.Text()
	return &nodeOP{issuer: cmp.Or(issuer, url), addr: strings.TrimPrefix(url, "http://"), process: process, key: private}, nil
}

// newNodeOP starts an OP for one test; see startNodeOP.
func newNodeOP(t *testing.T, addr, issuer, kid string) *nodeOP {
	t.Helper()
	needNode(t, nodeFolder)
	o, err := startNodeOP(addr, issuer, kid)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.process.stop)
	o.process.showIfFailed(t)
	return o
}

// Starting an OP takes seconds, so tests share two unless they stop one.
var (
	startSharedOP   = sync.OnceValues(func() (*nodeOP, error) { return startNodeOP("", "", "key") })
	startStrangerOP = sync.OnceValues(func() (*nodeOP, error) { return startNodeOP("", "", "key") })
)

// sharedNodeOP returns the OP that tests share. They must not stop it.
func sharedNodeOP(t *testing.T) *nodeOP { return shared(t, startSharedOP) }

// strangerNodeOP returns an OP with another issuer and other keys, which have the
// ids of those of sharedNodeOP.
func strangerNodeOP(t *testing.T) *nodeOP { return shared(t, startStrangerOP) }

func shared(t *testing.T, start func() (*nodeOP, error)) *nodeOP {
	t.Helper()
	needNode(t, nodeFolder)
	o, err := start()
	if err != nil {
		t.Fatal(err)
	}
	o.process.showIfFailed(t)
	return o
}

func (o *nodeOP) endpoint(path string) string { return "http://" + o.addr + path }

// clientCredentials requests a token for an API. Without an API the token is
// opaque.
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

// nodeLogin fills in the OP's login form, and consents on the next page.
func nodeLogin(page int, form url.Values) {
	if page == 0 {
		form.Set("login", "alice")
		form.Set("password", "any")
	}
}

// dpopProof returns a DPoP proof of a new key for the token endpoint (RFC 9449),
// which binds the token to that key.
func (o *nodeOP) dpopProof(t *testing.T) string {
	t.Helper()
	return newProofKey(t).proof(t, "POST", o.endpoint("/token"), "")
}

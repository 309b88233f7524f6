package interop_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	nodeFolder = "node-oidc-provider"
	nodeAPIs   = "https://api.example.com/"
)

var nodeMachine = oauthClient{id: "machine", secret: "machine-secret"}

func nodeNative(alg string) oauthClient {
	return oauthClient{id: "native-" + alg, redirectURI: "http://127.0.0.1/callback"}
}

// needNode skips the test where oidc-provider cannot be run, but not in CI.
func needNode(t *testing.T) {
	t.Helper()
	if err := installNode(); err != nil {
		text := fmt.Sprintf("oidc-provider was NOT tested: %v; to include it, install Node.js 20 or later with npm, and let it reach the npm registry once", err)
		if os.Getenv("CI") == "true" {
			t.Fatal(text)
		}
		t.Skip(text)
	}
}

var installNode = sync.OnceValue(func() error {
	if _, err := exec.LookPath("node"); err != nil {
		return err
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return err
	}
	// npm writes this file last.
	installed, err := os.Stat(filepath.Join(nodeFolder, "node_modules", ".package-lock.json"))
	if err == nil {
		lock, err := os.Stat(filepath.Join(nodeFolder, "package-lock.json"))
		if err != nil {
			return err
		}
		if !installed.ModTime().Before(lock.ModTime()) {
			return nil
		}
	}
	cmd := exec.Command(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = nodeFolder
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w: %s", err, out)
	}
	return nil
})

// nodeOP is node-oidc-provider in a process of its own, on loopback.
type nodeOP struct {
	issuer, addr string
	stop         func()
}

// newNodeOP starts an OP with new keys. An empty addr is a free port, an empty
// issuer where the OP listens; more is for its environment.
func newNodeOP(t *testing.T, addr, issuer, kid string, more ...string) *nodeOP {
	t.Helper()
	needNode(t)
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	cmd := exec.Command("node", "server.mjs")
	cmd.Dir = nodeFolder
	cmd.Env = append(append(os.Environ(), "LISTEN="+addr, "ISSUER="+issuer, "KID="+kid), more...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe() // its end ends the process, whatever happens to this one
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	o := &nodeOP{stop: sync.OnceFunc(func() {
		_ = stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})}
	t.Cleanup(func() {
		o.stop()
		if t.Failed() {
			t.Logf("the OP at %s says:\n%s", o.addr, &stderr)
		}
	})
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		o.stop()
		t.Fatalf("the OP does not start:\n%s", &stderr)
	}
	o.addr = strings.TrimPrefix(lines.Text(), "http://")
	if o.issuer = issuer; issuer == "" {
		o.issuer = lines.Text()
	}
	return o
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
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	input := part(map[string]any{"typ": "dpop+jwt", "alg": "ES256", "jwk": map[string]any{
		"kty": "EC", "crv": "P-256",
		"x": base64.RawURLEncoding.EncodeToString(point[1:33]),
		"y": base64.RawURLEncoding.EncodeToString(point[33:]),
	}}) + "." + part(map[string]any{
		"jti": rand.Text(), "htm": "POST", "htu": o.endpoint("/token"), "iat": time.Now().Unix(),
	})
	digest := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	fill := func(n *big.Int) []byte { return n.FillBytes(make([]byte, 32)) }
	return input + "." + base64.RawURLEncoding.EncodeToString(append(fill(r), fill(s)...))
}

package interop_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	glewlwydResource = "https://api.example.com/orders"
	glewlwydSchema   = "/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3"
	glewlwydPassword = "secret-of-the-user"
)

// glewlwydClient is every kind of client in one, and the API that introspects.
var glewlwydClient = oauthClient{id: "machine", secret: "machine-secret", redirectURI: "http://127.0.0.1/callback"}

// glewlwyd is Glewlwyd in a process of its own, on loopback, with a database in a
// temporary folder. It has two issuers: oidc, and brief, whose tokens live for two
// seconds.
type glewlwyd struct {
	api           string // the URL of the server's API
	issuer, brief string
}

func newGlewlwyd(t *testing.T) *glewlwyd {
	t.Helper()
	for _, program := range []string{"glewlwyd", "sqlite3", "sh"} {
		if _, err := exec.LookPath(program); err != nil {
			leftOut(t, "Glewlwyd was NOT tested: %v; to test it, install the Debian packages glewlwyd and sqlite3, or run .ci/needs glewlwyd as root", err)
		}
	}
	g := startGlewlwyd(t)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	admin := &http.Client{Jar: jar}
	g.send(t, admin, "POST", "/auth", map[string]any{"username": "admin", "password": "password"})
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	g.send(t, admin, "PUT", "/mod/user/database", map[string]any{
		"module": "database", "name": "database", "display_name": "database", "order_rank": 0, "enabled": true,
		"parameters": map[string]any{"use-glewlwyd-connection": true, "data-format": map[string]any{
			"roles": map[string]any{"multiple": true, "read": true, "write": true},
		}},
	})
	g.send(t, admin, "PUT", "/mod/reload/", nil)
	g.send(t, admin, "POST", "/mod/plugin/", glewlwydPlugin(t, g.issuer, "oidc", 300, key))
	g.send(t, admin, "POST", "/mod/plugin/", glewlwydPlugin(t, g.brief, "brief", 2, key))
	for _, scope := range []string{"orders:read", "orders:write"} {
		g.send(t, admin, "POST", "/scope/", map[string]any{
			"name": scope, "display_name": scope, "description": scope, "password_required": false, "scheme": map[string]any{},
		})
	}
	g.send(t, admin, "POST", "/client/", map[string]any{
		"client_id": glewlwydClient.id, "name": glewlwydClient.id, "confidential": true, "enabled": true,
		"password": glewlwydClient.secret, "client_secret": glewlwydClient.secret,
		"redirect_uri":               []string{glewlwydClient.redirectURI},
		"authorization_type":         []string{"code", "client_credentials", "refresh_token"},
		"token_endpoint_auth_method": []string{"client_secret_basic"},
		"scope":                      []string{"orders:read", "orders:write"},
	})
	for user, roles := range map[string][]string{"alice": {"admin"}, "bob": {"admin", "sales"}} {
		g.send(t, admin, "POST", "/user/", map[string]any{
			"username": user, "password": glewlwydPassword, "enabled": true, "roles": roles,
			"scope": []string{"openid", "orders:read", "orders:write"},
		})
	}
	return g
}

// glewlwydPlugin returns the configuration of an issuer. Its access tokens have the
// user's roles as the claim roles.
func glewlwydPlugin(t *testing.T, issuer, name string, seconds int, key *rsa.PrivateKey) map[string]any {
	t.Helper()
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	resources := []string{glewlwydResource, glewlwydResource + "/other"}
	return map[string]any{"module": "oidc", "name": name, "display_name": name, "enabled": true, "order_rank": 0, "parameters": map[string]any{
		"iss": issuer, "subject-type": "public", "secret-type": "pairwise",
		"jwt-type": "rsa", "jwt-key-size": "256", "jwks-show": true,
		"key":                   string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
		"cert":                  string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
		"access-token-duration": seconds, "refresh-token-duration": 3600, "code-duration": 60, "refresh-token-rolling": true,
		"auth-type-code-enabled": true, "auth-type-client-enabled": true, "auth-type-refresh-enabled": true,
		"auth-type-token-enabled": false, "auth-type-id-token-enabled": true, "auth-type-none-enabled": false,
		"auth-type-password-enabled": false, "auth-type-device-enabled": false,
		"allow-non-oidc": true, "allowed-scope": []string{"openid"}, "pkce-allowed": true, "pkce-required": true,
		"introspection-revocation-allowed": true, "introspection-revocation-allow-target-client": true,
		"resource-allowed":      true,
		"resource-scope":        map[string]any{"orders:read": resources, "orders:write": resources},
		"additional-parameters": []map[string]any{{"user-parameter": "roles", "token-parameter": "roles"}},
		"name-claim":            "no", "email-claim": "no", "scope-claim": "no",
	}}
}

// startGlewlwyd starts a server with an empty database. It tries again because
// somebody else may take the free port that it has found.
func startGlewlwyd(t *testing.T) *glewlwyd {
	t.Helper()
	folder := t.TempDir()
	database := filepath.Join(folder, "glewlwyd.db")
	createGlewlwydDatabase(t, database)
	for range 3 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := listener.Addr().(*net.TCPAddr).Port
		listener.Close()
		address := fmt.Sprintf("http://127.0.0.1:%d", port)
		config := filepath.Join(folder, fmt.Sprintf("%d.conf", port))
		settings := fmt.Sprintf(glewlwydConfig, port, address, database)
		if err := os.WriteFile(config, []byte(settings), 0o600); err != nil {
			t.Fatal(err)
		}
		// Glewlwyd does not read its standard input, so the shell ends it.
		cmd := exec.Command("sh", "-c", `glewlwyd --config-file="$1" & cat >/dev/null; kill -KILL $!; wait`, "sh", config)
		process, err := launch(cmd, "glewlwyd")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(process.stop)
		process.showIfFailed(t)
		if answers(t, address+"/config", 5*time.Second) {
			return &glewlwyd{api: address + "/api", issuer: address + "/api/oidc", brief: address + "/api/brief"}
		}
		process.stop()
	}
	t.Fatal("glewlwyd does not start")
	return nil
}

const glewlwydConfig = `
port=%d
bind_address="127.0.0.1"
external_url="%s"
login_url="login.html"
api_prefix="api"
log_mode="console"
log_level="ERROR"
cookie_domain="127.0.0.1"
cookie_secure=0
session_expiration=3600
session_key="session"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="/usr/lib/glewlwyd/user"
client_module_path="/usr/lib/glewlwyd/client"
user_auth_scheme_module_path="/usr/lib/glewlwyd/scheme"
plugin_module_path="/usr/lib/glewlwyd/plugin"
hash_algorithm="SHA512"
database = { type = "sqlite3"; path = "%s"; };
`

func createGlewlwydDatabase(t *testing.T, path string) {
	t.Helper()
	schema, err := os.ReadFile(glewlwydSchema)
	if err != nil {
		leftOut(t, "Glewlwyd was NOT tested: %v; to test it, install the Debian package glewlwyd", err)
	}
	cmd := exec.Command("sqlite3", path)
	cmd.Stdin = strings.NewReader("PRAGMA synchronous=OFF; BEGIN;\n" + string(schema) + "\nCOMMIT;\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("sqlite3: %v: %s", err, out)
	}
}

// answers reports whether a server responds to GET within the given time.
func answers(t *testing.T, url string, within time.Duration) bool {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if resp, err := http.Get(url); err == nil {
			resp.Body.Close()
			return true
		}
		select {
		case <-deadline.C:
			return false
		case <-tick.C:
		}
	}
}

// send sends a request to the server's own API.
func (g *glewlwyd) send(t *testing.T, c *http.Client, method, path string, body any) {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, g.api+path, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if answer, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %s", method, path, resp.Status, answer)
	}
}

// codeFlow logs a user in, lets the user consent, and runs the authorization code grant
// with PKCE. The server's login page is a JavaScript program, so this calls what
// that program calls.
func (g *glewlwyd) codeFlow(t *testing.T, user, scope string) tokens {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	g.send(t, browser, "POST", "/auth", map[string]any{"username": user, "password": glewlwydPassword})
	g.send(t, browser, "PUT", "/auth/grant/"+glewlwydClient.id, map[string]any{"scope": scope})
	verifier := rand.Text() + rand.Text()
	digest := sha256.Sum256([]byte(verifier))
	params := url.Values{
		"g_continue": {""}, "response_type": {"code"}, "client_id": {glewlwydClient.id}, "scope": {scope}, "nonce": {rand.Text()},
		"redirect_uri": {glewlwydClient.redirectURI}, "resource": {glewlwydResource},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(digest[:])}, "code_challenge_method": {"S256"},
	}
	resp, err := browser.Get(g.issuer + "/auth?" + params.Encode())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	back, err := resp.Location()
	if err != nil || back.Query().Get("code") == "" {
		t.Fatalf("%s, back at %v, error %v; want a code", resp.Status, back, err)
	}
	return glewlwydClient.requestTokens(t, g.issuer+"/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "code_verifier": {verifier},
		"redirect_uri": {glewlwydClient.redirectURI}, "resource": {glewlwydResource},
	}, nil)
}

func (g *glewlwyd) clientCredentials(t *testing.T, issuer, resource, scope string) string {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}
	if resource != "" {
		form.Set("resource", resource)
	}
	return glewlwydClient.requestTokens(t, issuer+"/token", form, nil).Access
}

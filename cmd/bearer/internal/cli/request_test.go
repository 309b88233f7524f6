package cli_test

import (
	"bytes"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/cli"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/profile"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/ui"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/internal/credential"
	"github.com/bearerkit/bearerkit/jwks"
)

// result is what one run of the command left behind.
type result struct {
	code        int
	out, stderr string
}

// on runs the command with a text on standard input.
func on(stdin string, args ...string) result {
	var out, errs bytes.Buffer
	code := cli.Run(args, ui.Streams{In: strings.NewReader(stdin), Out: &out, Err: &errs})
	return result{code, out.String(), errs.String()}
}

const audience = "https://api.example.com"

func newIssuer(t *testing.T) *bearertest.Issuer {
	t.Helper()
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	return issuer
}

// The token alone is on standard output, so that a shell can take it.
func TestTokenCommand(t *testing.T) {
	issuer := newIssuer(t)
	got := on("", "token", "--issuer", issuer.URL(), "--scope", "orders:read", "--subject", "alice", "--role", "admin")
	if got.code != 0 || got.stderr != "" || strings.Count(got.out, "\n") != 1 {
		t.Fatalf("%+v", got)
	}
	v, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{audience}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	p, err := v.Verify(t.Context(), strings.TrimSpace(got.out))
	if err != nil || p.Subject != "alice" || p.Scopes.String() != "orders:read" || !p.HasRole("admin") {
		t.Errorf("%v, %v", p, err)
	}

	file := filepath.Join(t.TempDir(), "token.txt")
	if got := on("", "token", "--issuer", issuer.URL()+"/", "-o", file); got.code != 0 || got.out != "" {
		t.Errorf("%+v", got)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if got := on("", "explain", "--token-file", file, "--issuer", issuer.URL(), "--audience", audience); got.code != 0 {
		t.Errorf("%+v", got)
	}
}

// The parameters of the token request that the flags stand for.
func TestTokenCommandSendsItsFlags(t *testing.T) {
	var form map[string][]string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		form = r.PostForm
		_, _ = w.Write([]byte(`{"access_token":"token"}`))
	}))
	defer server.Close()
	got := on("", "token", "--issuer", server.URL, "--profile", "keycloak", "--valid-for", "-10s", "--claim", "tenant=acme", "--claim", `n=1`, "--client", "web", "--audience", "a", "--audience", "b")
	if got.code != 0 || got.out != "token\n" {
		t.Fatalf("%+v", got)
	}
	for name, want := range map[string]string{
		"grant_type": "client_credentials", "profile": "keycloak", "valid_for": "-10s", "claim": "tenant=acme n=1", "client_id": "web", "audience": "a b",
	} {
		if value := strings.Join(form[name], " "); value != want {
			t.Errorf("%s is %q, want %q", name, value, want)
		}
	}
}

// The name of a profile becomes that of the test kit's shape.
func TestTokenCommandNamesTheForm(t *testing.T) {
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.PostFormValue("profile")
		_, _ = w.Write([]byte(`{"access_token":"token"}`))
	}))
	defer server.Close()
	shapes := map[string]bool{"rfc9068": true}
	for _, shape := range bearertest.Shapes() {
		shapes[strings.ToLower(string(shape))] = true
	}
	delete(shapes, "")
	sent := map[string]bool{}
	names := []string{"entraidv1", "EntraID"}
	for _, p := range profile.All() {
		names = append(names, p.Name)
	}
	for _, name := range names {
		if r := on("", "token", "--issuer", server.URL, "--profile", name); r.code != 0 || !shapes[got] {
			t.Errorf("--profile %s asks for %q: %+v", name, got, r)
		}
		sent[got] = true
	}
	if len(sent) != len(shapes) {
		t.Errorf("%d forms of %d", len(sent), len(shapes))
	}
}

func TestTokenCommandSaysWhatIsWrong(t *testing.T) {
	issuer := newIssuer(t)
	issuer.SetFault(bearertest.TokenEndpoint, bearertest.Fault{Status: 400, Body: []byte(`{"error":"invalid_scope","error_description":"no such scope"}`)})
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"the issuer refuses", []string{"--issuer", issuer.URL()}, 1, "invalid_scope: no such scope"},
		{"the issuer is down", []string{"--issuer", down.URL}, 3, "start the issuer with bearer dev, end a trigger with bearer trigger up"},
		{"an issuer elsewhere over http", []string{"--issuer", "http://login.example.com"}, 2, "--issuer"},
		{"several mistakes", []string{"--profile", "x", "--claim", "y"}, 2, `--claim "y"; want name=value; --profile: "x" is unknown`},
	} {
		if got := on("", append([]string{"token"}, tt.args...)...); got.code != tt.code || !strings.Contains(got.stderr, tt.want) || got.out != "" {
			t.Errorf("%s: %+v; want exit code %d and %q", tt.name, got, tt.code, tt.want)
		}
	}
}

// What an issuer calls a token is printed only if it is one: a hostile issuer could
// otherwise write to the terminal, or add a field to the request of curl.
func TestTokenCommandPrintsOnlyAToken(t *testing.T) {
	issuer := newIssuer(t)
	file := filepath.Join(t.TempDir(), "token.txt")
	for _, token := range []string{`\u001b]0;title\u0007`, `eyJ\r\nX-Admin: 1`, `a b`, `\u202eabc`, `\u009b31m`} {
		issuer.SetFault(bearertest.TokenEndpoint, bearertest.Fault{Body: []byte(`{"access_token":"` + token + `"}`)})
		for _, args := range [][]string{nil, {"-o", file}} {
			if got := on("", append([]string{"token", "--issuer", issuer.URL()}, args...)...); got.code != 1 || got.out != "" {
				t.Errorf("%s: %+v", token, got)
			}
		}
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("the file was written")
	}
	issuer.SetFault(bearertest.TokenEndpoint, bearertest.Fault{Status: 400, Body: []byte(`{"error":"` + strings.Repeat("x", 9000) + `\u202e"}`)})
	if got := on("", "token", "--issuer", issuer.URL()); got.code != 1 || len(got.stderr) > 400 {
		t.Errorf("%+v", got)
	}
}

// A file that exists, and that others may read, is no longer readable by them when the
// token is in it.
func TestTokenCommandProtectsItsFile(t *testing.T) {
	issuer := newIssuer(t)
	file := filepath.Join(t.TempDir(), "token.txt")
	if err := os.WriteFile(file, []byte(strings.Repeat("x", 9000)), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := on("", "token", "--issuer", issuer.URL(), "-o", file); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() > 8000 {
		t.Errorf("%v, %v; want the mode 0600 and the token alone", info, err)
	}
	if got := on("", "token", "--issuer", issuer.URL(), "-o", os.DevNull); got.code != 0 {
		t.Errorf("a device: %+v", got)
	}
}

// The proof fits a token that is bound to the key.
func TestProofCommand(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key.pem")
	const url = "https://api.example.com/me"
	if got := on("", "proof", "--key", key, "--url", url); got.code != 0 || !strings.Contains(got.stderr, "made a new key") {
		t.Fatalf("%+v", got)
	}
	got := on("", "proof", "--key", key, "--url", url+"?a=b", "--token", "token", "--nonce", "n")
	if got.code != 0 || got.stderr != "" || strings.Count(got.out, "\n") != 1 {
		t.Fatalf("%+v", got)
	}
	signer, _, err := credential.Key(key)
	if err != nil {
		t.Fatal(err)
	}
	jkt, err := dpop.Thumbprint(signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	issuer := newIssuer(t)
	token := issuer.Mint(bearertest.Token{Claims: map[string]any{"cnf": map[string]any{"jkt": jkt}}})
	proof := on(token, "proof", "--key", key, "--url", url, "--token", "-")
	if status := admit(t, issuer, url, token, strings.TrimSpace(proof.out)); status != http.StatusOK {
		t.Errorf("status %d with the proof %+v", status, proof)
	}
	for _, args := range [][]string{{}, {"--key", key}, {"--url", url}, {"--key", key, "--url", "no url"}, {"--key", key, "--url", url, "--method", ""}} {
		if got := on("", append([]string{"proof"}, args...)...); got.code != 2 || got.out != "" {
			t.Errorf("%q: %+v", args, got)
		}
	}
}

func TestCertificateCommand(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	got := on("", "certificate", "--out", dir, "--name", "web")
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "web.pem"), filepath.Join(dir, "web-key.pem"))
	if err != nil {
		t.Fatalf("%v, %+v", err, got)
	}
	if want := "x5t#S256 " + (&credential.Certificate{DER: pair.Certificate[0]}).Thumbprint() + "\n"; got.code != 0 || got.out != want {
		t.Errorf("%+v, want %q", got, want)
	}
	if again := on("", "certificate", "--out", dir, "--name", "web"); again.code != 1 {
		t.Errorf("files that exist: %+v", again)
	}
	if bad := on("", "certificate", "--name", "a/b"); bad.code != 2 || !strings.Contains(bad.stderr, "--out") || !strings.Contains(bad.stderr, "--name") {
		t.Errorf("%+v", bad)
	}
}

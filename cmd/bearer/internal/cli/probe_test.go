package cli_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/cli"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/ui"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// run runs the program as a user does.
func run(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errors bytes.Buffer
	code = cli.Run(args, ui.Streams{In: strings.NewReader(stdin), Out: &out, Err: &errors})
	return code, out.String(), errors.String()
}

// examples are programs of the repository, and the routes to probe.
var examples = []struct {
	name, path string
	args       []string
	flags      []string // of bearer probe
}{
	{name: "protectedapi", path: "/orders", args: []string{"-dev", "-listen", "127.0.0.1:0", "-cors", "https://app.example.com"}, flags: []string{"--origin", "https://app.example.com"}},
	{name: "protectedapi", path: "/orders", args: []string{"-dev", "-listen", "127.0.0.1:0", "-framework", "echo", "-mtls", "allowed"}},
	{name: "protectedapi", path: "/me", args: []string{"-dev", "-listen", "127.0.0.1:0", "-framework", "echo5"}},
	{name: "protectedapi", path: "/orders", args: []string{"-dev", "-listen", "127.0.0.1:0", "-framework", "gin", "-dpop", "required"}},
	{name: "mcp-server", path: "/mcp", args: []string{"-dev", "-listen", "127.0.0.1:0"}, flags: []string{"--method", "POST"}},
	{name: "minimal-nethttp", path: "/orders"},
	{name: "minimal-echo", path: "/orders"},
	{name: "minimal-echo5", path: "/orders"},
	{name: "minimal-gin", path: "/users/alice"},
	{name: "browser", path: "/orders", flags: []string{"--origin", "https://app.example.com"}},
	{name: "dpop", path: "/orders"},
	{name: "error-format", path: "/orders"},
	{name: "huma", path: "/orders"},
	{name: "opaque", path: "/orders"},
	{name: "roles", path: "/refunds", flags: []string{"--method", "POST"}},
	{name: "several-issuers", path: "/orders"},
	{name: "sign-out", path: "/orders"},
	{name: "step-up", path: "/balance"},
}

// The reference program on all frameworks, and the examples, have no fault.
func TestProbeFindsNoFaultInTheExamples(t *testing.T) {
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", bin, "./...")
	build.Dir = "../../../../examples"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s%v", out, err)
	}
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer issuer.Close()
	for _, tt := range examples {
		t.Run(strings.Join(append([]string{tt.name}, tt.args...), " "), func(t *testing.T) {
			api, printed := start(t, exec.Command(filepath.Join(bin, tt.name), tt.args...), issuer.URL())
			args := append([]string{"probe", api + tt.path, "--thorough"}, tt.flags...)
			if strings.HasPrefix(api, "https:") {
				args = append(args, "--cacert", authority(t, printed))
			}
			code, stdout, stderr := run(t, "", args...)
			if first, _, _ := strings.Cut(stdout, "\n"); code != 0 || !strings.HasSuffix(first, ": no fault") {
				t.Errorf("exit code %d:\n%s%s", code, stdout, stderr)
			}
		})
	}
}

// start runs a program on a free port, and returns the API's URL and the lines that
// it prints.
func start(t *testing.T, cmd *exec.Cmd, issuer string) (api string, printed io.Reader) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	_ = listener.Close()
	cmd.Env = append(os.Environ(), "ISSUER="+issuer, "AUDIENCE=https://api.example.com", "PORT="+port)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_, _ = io.Copy(io.Discard, stdout)
		_ = cmd.Wait()
	})
	if strings.HasPrefix(filepath.Base(cmd.Path), "minimal-") { // prints nothing
		return dialed(t, address), stdout
	}
	lines := bufio.NewReader(stdout)
	line, err := lines.ReadString('\n')
	if err != nil {
		t.Fatalf("the program printed %q: %v", line, err)
	}
	return regexp.MustCompile(`https?://[0-9.:]+`).FindString(line), lines
}

// dialed waits until a program listens on the address.
func dialed(t *testing.T, address string) (url string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-tick.C {
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			return "http://" + address
		}
	}
	t.Fatal("the program does not listen")
	return ""
}

// authority returns the file of the certificate that the reference program prints.
func authority(t *testing.T, printed io.Reader) string {
	t.Helper()
	lines := bufio.NewScanner(printed)
	for lines.Scan() {
		if _, rest, ok := strings.Cut(lines.Text(), "--cacert "); ok {
			file, _, _ := strings.Cut(rest, " ")
			return file
		}
	}
	t.Fatal("the program names no --cacert")
	return ""
}

// broken is an API with several faults.
func broken(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/orders" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="orders", error="invalid_token"`)
		w.WriteHeader(401)
		fmt.Fprintf(w, "\x1b[31mno good: %s", r.Header.Get("Authorization"))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// A fault is exit code 1, and the output begins with the answer. The query of the
// URL, which may be a token, is not repeated.
func TestProbeText(t *testing.T) {
	url := broken(t)
	code, stdout, _ := run(t, "", "probe", url+"/orders?access_token=very-secret")
	if code != 1 || strings.Contains(stdout, "secret") || strings.Contains(stdout, "\x1b") {
		t.Errorf("exit code %d", code)
	}
	golden(t, "testdata/probe.txt", stable(stdout, url))
}

// --json has the same facts.
func TestProbeJSON(t *testing.T) {
	url := broken(t)
	code, stdout, _ := run(t, "", "probe", "--json", url+"/orders?access_token=very-secret")
	var report struct {
		Result string
		URL    string
		Steps  []struct {
			Step, Status string
			Findings     []struct{ Code, Severity, Text, Do, Spec string }
		}
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatal(err)
	}
	if code != 1 || report.Result != "fault" || report.URL != url+"/orders" || strings.Contains(stdout, "secret") {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
	golden(t, "testdata/probe.json", stable(stdout, url))
}

// Mistakes on the command line are exit code 2, and name what to write.
func TestExamineMistakes(t *testing.T) {
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"probe"}, "want one URL"},
		{[]string{"issuer"}, "want one URL"},
		{[]string{"probe", "orders"}, "want a protected URL"},
		{[]string{"probe", "http://127.0.0.1:1", "--timeout", "0s"}, "--timeout must be positive"},
		{[]string{"probe", "http://127.0.0.1:1", "--cacert", "missing.pem"}, "--cacert"},
		{[]string{"probe", "http://127.0.0.1:1", "--cacert", "probe_test.go"}, "has no certificate in PEM"},
		{[]string{"probe", "http://127.0.0.1:1", "--origin", "https://app.example.com/"}, "want a scheme, a host and no path"},
		{[]string{"issuer", "ftp://sso.example.com"}, "want https"},
		{[]string{"issuer", "http://127.0.0.1:1", "--token", "missing.txt"}, "--token:"},
		{[]string{"issuer", "http://127.0.0.1:1", "--token", "-"}, "there is no token"},
	}
	for _, tt := range tests {
		code, stdout, stderr := run(t, "", tt.args...)
		if code != 2 || stdout != "" || !strings.Contains(stderr, tt.want) {
			t.Errorf("%q: exit code %d, %q", tt.args, code, stderr)
		}
	}
}

// stable replaces what differs between two runs.
func stable(text, url string) string {
	_, address, _ := strings.Cut(url, "://")
	text = strings.ReplaceAll(text, address, "API")
	return regexp.MustCompile(`after \d+m?s`).ReplaceAllString(text, "after TIME")
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; go test -update rewrites it. Got:\n%s", file, got)
	}
}

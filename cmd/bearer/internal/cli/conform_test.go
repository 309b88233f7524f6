package cli_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/cli"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/ui"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// freePort returns a port of 127.0.0.1 on which nobody listens.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// testedAPI serves an API of bearerkit that trusts an issuer on port.
func testedAPI(t *testing.T, port string) string {
	t.Helper()
	var protected http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { protected.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: "http://127.0.0.1:" + port, Audience: []string{server.URL}}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tokens.Close)
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{tokens}})
	if err != nil {
		t.Fatal(err)
	}
	protected = bearerhttp.Require(guard, scope.All("orders:read"))(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("orders"))
	}))
	return server.URL + "/orders"
}

func conformRun(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = cli.Run(append([]string{"conform"}, args...), ui.Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr})
	return code, stdout.String(), stderr.String()
}

// usable matches a JWT with its signature.
var usable = regexp.MustCompile(`eyJ[\w-]+\.eyJ[\w-]+\.[\w-]{20,}`)

func TestConformPasses(t *testing.T) {
	port, dir := freePort(t), t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	code, out, errs := conformRun(t, testedAPI(t, port), "--issuer-port", port, "--scope", "orders:read", "--level", "core,rfc9068",
		"--json-file", file("r.json"), "--junit", file("r.xml"), "--html", file("r.html"), "--badge", file("r.svg"))
	if code != 0 {
		t.Fatalf("exit code %d\n%s\n%s", code, out, errs)
	}
	for _, want := range []string{"http://127.0.0.1:" + port, "orders:read", "good-token", "RFC 6750 core", "needs introspection"} {
		if !strings.Contains(out, want) {
			t.Errorf("the output does not contain %q", want)
		}
	}
	var report struct {
		Totals struct{ Pass, Fail, Skipped int }
		Cases  []struct{ Case, Verdict string }
	}
	read := func(name string) []byte {
		document, err := os.ReadFile(file(name))
		if err != nil {
			t.Fatal(err)
		}
		if usable.Match(document) {
			t.Errorf("%s contains a usable token", name)
		}
		return document
	}
	if err := json.Unmarshal(read("r.json"), &report); err != nil {
		t.Fatal(err)
	}
	if report.Totals.Fail != 0 || report.Totals.Pass < 150 || len(report.Cases) < report.Totals.Pass {
		t.Errorf("got %+v, %d cases", report.Totals, len(report.Cases))
	}
	var suites struct {
		Suites []struct {
			Tests    int        `xml:"tests,attr"`
			Failures int        `xml:"failures,attr"`
			Cases    []struct{} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(read("r.xml"), &suites); err != nil || len(suites.Suites) != 2 {
		t.Fatalf("%d suites, %v", len(suites.Suites), err)
	}
	for _, s := range suites.Suites {
		if s.Failures != 0 || s.Tests != len(s.Cases) {
			t.Errorf("a suite says %d tests, %d failures, and has %d cases", s.Tests, s.Failures, len(s.Cases))
		}
	}
	if page := string(read("r.html")); strings.Contains(page, "<script") || !strings.Contains(page, "No requirement is broken") || strings.Contains(page, "ZgotmplZ") {
		t.Error("the page has a script, or not the result")
	}
	if want := fmt.Sprintf("%d of %d", report.Totals.Pass, report.Totals.Pass); !strings.Contains(string(read("r.svg")), want) {
		t.Errorf("the badge does not say %q", want)
	}
}

func TestConformFails(t *testing.T) {
	open := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {}))
	t.Cleanup(open.Close)
	file := filepath.Join(t.TempDir(), "r.html")
	code, out, errs := conformRun(t, open.URL, "--issuer-port", "0", "--level", "rfc9068", "--html", file, "--known", "exp-past=the clock of the demo")
	if code != 1 {
		t.Fatalf("exit code %d, want 1\n%s", code, errs)
	}
	for _, want := range []string{"aud-foreign", "RFC 9700, Section 2.3", "status 200, want a refusal", "exp-past"} {
		if !strings.Contains(out, want) {
			t.Errorf("the output does not contain %q", want)
		}
	}
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(page); !strings.Contains(text, "cases failed") || !strings.Contains(text, "GET / HTTP/1.1") || !strings.Contains(text, "the clock of the demo") || usable.MatchString(text) {
		t.Error("the page has not the failures and requests, or it has a usable token")
	}
}

func TestConformCannotTell(t *testing.T) {
	closed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	t.Cleanup(closed.Close)
	code, out, errs := conformRun(t, closed.URL+"/x", "--issuer-port", "0", "--wait", "1ms")
	if code != 3 || !strings.Contains(out, "waiting: 401") || !strings.Contains(errs, "good token") {
		t.Errorf("exit code %d, want 3\n%s\n%s", code, out, errs)
	}
}

func TestConformUsage(t *testing.T) {
	for _, args := range [][]string{
		{}, {"orders"}, {"http://localhost:1/x", "--issuer-port", "0", "--level", "gold"}, {"http://localhost:1/x", "--route", "strict"},
		{"http://localhost:1/x", "--issuer-port", "0", "--case", "no-such-case"}, {"http://localhost:1/x", "--issuer-port", "0", "--supports", "luck"},
		{"--list", "--level", "gold"}, {"http://localhost:1/x", "--cacert", "/no/such/file"},
	} {
		if code, out, errs := conformRun(t, args...); code != 2 {
			t.Errorf("%q: exit code %d, want 2\n%s%s", args, code, out, errs)
		}
	}
}

func TestConformList(t *testing.T) {
	code, out, _ := conformRun(t, "--list", "--level", "mtls")
	if code != 0 || !strings.Contains(out, "mtls-no-certificate") || strings.Contains(out, "alg-none") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if code, out, _ := conformRun(t, "--list", "--json"); code != 0 || strings.Count(out, "\n") < 250 || !json.Valid([]byte(strings.SplitN(out, "\n", 2)[0])) {
		t.Errorf("exit code %d, %d lines", code, strings.Count(out, "\n"))
	}
}

func TestConformJSON(t *testing.T) {
	port := freePort(t)
	code, out, errs := conformRun(t, testedAPI(t, port), "--issuer-port", port, "--scope", "orders:read", "--wait", "10s", "--case", "good-token,alg-none-unsigned", "--json")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || len(lines) < 4 {
		t.Fatalf("exit code %d\n%s\n%s", code, out, errs)
	}
	for _, line := range lines {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
	if !strings.Contains(lines[0], port) || !strings.Contains(lines[len(lines)-1], `"totals"`) {
		t.Errorf("got %s … %s", lines[0], lines[len(lines)-1])
	}
}

// A mistake in the name of a report is found before the run, not after it.
func TestConformChecksReportsFirst(t *testing.T) {
	dir := t.TempDir()
	for _, flag := range []string{"--html", "--junit", "--json-file", "--badge"} {
		for _, name := range []string{filepath.Join(dir, "missing", "r"), dir} {
			code, out, errs := conformRun(t, "http://127.0.0.1:1/x", "--issuer-port", "0", flag, name)
			if code != 2 || out != "" || !strings.Contains(errs, "folder") {
				t.Errorf("%s %s: exit code %d, want 2\n%s%s", flag, name, code, out, errs)
			}
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// The line about waiting says why there is no answer.
func TestConformSaysWhyItWaits(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	limited := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }))
	t.Cleanup(limited.Close)
	forbidden := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusForbidden
		if !strings.Contains(r.Header.Get("Authorization"), "eyJhbGciOiJFUzI1NiI") { // {"alg":"ES256"
			status = http.StatusUnauthorized
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(forbidden.Close)
	for url, want := range map[string]string{
		secure.URL:                          "--cacert",
		limited.URL:                         "limit of requests",
		forbidden.URL:                       "--scope",
		"http://127.0.0.1:" + freePort(t):   "refused",
		"http://127.0.0.1:1/orders?a=b":     "no query",
		"http://alice:secret@127.0.0.1:1/x": "and no user information",
	} {
		code, out, errs := conformRun(t, url, "--issuer-port", "0", "--wait", "1ms")
		if !strings.Contains(out+errs, want) || code == 0 || strings.Contains(out+errs, "secret@") {
			t.Errorf("%s: exit code %d, want %q\n%s%s", url, code, want, out, errs)
		}
	}
}

func TestConformReportsWrongKnown(t *testing.T) {
	port := freePort(t)
	code, out, errs := conformRun(t, testedAPI(t, port), "--issuer-port", port, "--scope", "orders:read", "--case", "good-token", "--known", "good-token=it fails")
	if code != 0 || !strings.Contains(out, "remove its --known") {
		t.Errorf("exit code %d\n%s\n%s", code, out, errs)
	}
}

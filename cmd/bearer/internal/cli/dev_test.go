package cli_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/cli"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/dev"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/ui"
)

var updateDev = flag.Bool("update-dev", false, "rewrite the golden files of dev and trigger")

// devProgram makes TestDevProgram the program bearer, for tests that need a process.
const devProgram = "BEARER_TEST_PROGRAM"

func TestDevProgram(*testing.T) {
	if os.Getenv(devProgram) != "" {
		os.Exit(cli.Run(flag.Args(), ui.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
	}
}

// devProcess is a running bearer dev.
type devProcess struct {
	*exec.Cmd
	out *bufio.Scanner
	url string
}

func startDev(t *testing.T, args ...string) *devProcess {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &devProcess{Cmd: exec.CommandContext(t.Context(), program, append([]string{"-test.run=^TestDevProgram$", "--", "dev", "--listen", "127.0.0.1:0"}, args...)...)}
	p.Env = append(os.Environ(), devProgram+"=1")
	stdout, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.Stderr = os.Stderr
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewScanner(stdout)
	return p
}

// end interrupts the process, which must end gracefully.
func (p *devProcess) end(t *testing.T) {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("bearer dev ends with %v, want exit code 0", err)
	}
}

// runHere runs a command in this process.
func runHere(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = cli.Run(args, ui.Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
	return code, out.String(), errs.String()
}

// goldenDev compares a text with a file of testdata.
func goldenDev(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *updateDev {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s differs:\n%s", path, text)
	}
}

var portOf = regexp.MustCompile(`127\.0\.0\.1:\d+`)

// What a person sees of dev and trigger.
func TestDevForPeople(t *testing.T) {
	p := startDev(t, "--config", filepath.Join("testdata", "dev.json"))
	var banner strings.Builder
	for p.out.Scan() {
		banner.WriteString(p.out.Text() + "\n")
		if strings.HasPrefix(p.out.Text(), "Press Ctrl-C") {
			break
		}
	}
	p.url = "http://" + portOf.FindString(banner.String())
	masked := func(text string) string { return portOf.ReplaceAllString(text, "127.0.0.1:9000") }
	goldenDev(t, "dev.txt", masked(banner.String()))

	resp, err := http.PostForm(p.url+"/staff/token", url.Values{"grant_type": {"client_credentials"}, "sub": {"alice"}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if p.out.Scan(); p.out.Text() != "POST /staff/token 200 client=app user=alice" {
		t.Errorf("the log line is %q", p.out.Text())
	}
	var all strings.Builder
	for _, args := range [][]string{{}, {"down", "--issuer", "/staff"}, {"up"}, {"revoke", "--user", "alice"}, {"logout"}, {"rotate", "--issuer", "/"}} {
		code, out, errs := runHere(append([]string{"trigger", "--server", p.url}, args...)...)
		if code != 0 || errs != "" {
			t.Errorf("trigger %v: %d %s", args, code, errs)
		}
		all.WriteString("$ bearer trigger " + strings.Join(args, " ") + "\n" + masked(out))
	}
	goldenDev(t, "trigger.txt", all.String())
	p.end(t)
}

// What a program sees. The server ends at an interrupt, even while it is slow.
func TestDevForPrograms(t *testing.T) {
	p := startDev(t, "--json", "--issuer", "/staff", "--issuer", "/shop", "--profile", "Okta", "--audience", "api://default")
	var sum dev.Summary
	if !p.out.Scan() || json.Unmarshal(p.out.Bytes(), &sum) != nil {
		t.Fatalf("the first line is %q", p.out.Text())
	}
	if len(sum.Issuers) != 2 || sum.Issuers[1].URL != sum.URL+"/shop" || sum.Issuers[0].Profile != "okta" || sum.Issuers[0].Audience[0] != "api://default" ||
		!strings.Contains(sum.Issuers[0].Go, "jwks.Okta()") || len(sum.Users) != 2 || len(sum.Clients) != 2 {
		t.Errorf("summary %+v", sum)
	}
	code, out, _ := runHere("trigger", "--json", "--server", sum.URL, "slow", "--issuer", "/shop")
	var states []dev.State
	if err := json.Unmarshal([]byte(out), &states); err != nil || code != 0 || len(states) != 2 || states[0].State != "up" || states[1].State != "slow" {
		t.Errorf("%d %s", code, out)
	}
	var e dev.Entry
	if !p.out.Scan() || json.Unmarshal(p.out.Bytes(), &e) != nil || e.Method != "POST" || e.Status != 200 || e.Path != dev.TriggerPath {
		t.Errorf("the second line is %q", p.out.Text())
	}
	asked := make(chan error, 1)
	go func() {
		resp, err := http.Get(sum.URL + "/shop/jwks")
		if err == nil {
			resp.Body.Close()
		}
		asked <- err
	}()
	if resp, err := http.Get(sum.URL + "/staff/jwks"); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("/staff/jwks: %v", err)
	}
	started := time.Now()
	p.end(t)
	<-asked
	if took := time.Since(started); took > 4*time.Second {
		t.Errorf("the end took %v", took)
	}
}

func TestDevAndTriggerMistakes(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	busy := strings.TrimPrefix(other.URL, "http://")
	bad := filepath.Join(t.TempDir(), "dev.json")
	if err := os.WriteFile(bad, []byte(`{"userz":[],"clients":[{"id":"x"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"dev", "--listen", "0.0.0.0:9000"}, 2, "want a loopback host"},
		{[]string{"dev", "--listen", "9000"}, 2, "want a loopback host"},
		{[]string{"dev", "--listen", busy}, 1, "choose another port with --listen"},
		{[]string{"dev", "--profile", "keyclok"}, 2, `--profile: "keyclok" is unknown; want one of adfs`},
		{[]string{"dev", "--config", "missing.json"}, 2, "--config: open missing.json"},
		{[]string{"dev", "--config", bad}, 2, "userz: unknown name; want one of clients, issuers, users; clients[0].id: unknown name; want one of"},
		{[]string{"dev", "--config", filepath.Join("testdata", "dev.json"), "--issuer", "/x"}, 2, "use one of the two"},
		{[]string{"dev", "--listen", "127.0.0.1:0", "--issuer", "staff"}, 2, `issuers[0].path "staff"`},
		{[]string{"dev", "x"}, 2, "an argument that belongs to no flag"},
		{[]string{"trigger", "explode"}, 2, "want one of rotate, "},
		{[]string{"trigger", "up", "down"}, 2, "want one of rotate, "},
		{[]string{"trigger", "down", "--user", "alice"}, 2, "--user is for revoke and logout"},
		{[]string{"trigger", "--user", "alice"}, 2, "need a trigger"},
		{[]string{"trigger", "--server", "https://issuer.example.com"}, 2, "want the URL that bearer dev prints"},
		{[]string{"trigger", "--server", "http://127.0.0.1:1"}, 3, `is "bearer dev" running?`},
		{[]string{"trigger", "--server", other.URL}, 3, `so it is perhaps not "bearer dev"`},
	} {
		code, out, errs := runHere(tt.args...)
		if code != tt.code || !strings.Contains(errs, tt.want) || out != "" {
			t.Errorf("%q: exit code %d, %q, %q; want %d and %q", tt.args, code, out, errs, tt.code, tt.want)
		}
	}
	p := startDev(t, "--json")
	var sum dev.Summary
	if !p.out.Scan() || json.Unmarshal(p.out.Bytes(), &sum) != nil {
		t.Fatal("no summary")
	}
	if code, _, errs := runHere("trigger", "--server", sum.URL, "down", "--issuer", "/nowhere"); code != 2 || !strings.Contains(errs, `unknown issuer "/nowhere"; want one of /`) {
		t.Errorf("an unknown issuer: %d %s", code, errs)
	}
	p.end(t)
}

// A server that is not bearer dev gets no second request elsewhere.
func TestTriggerFollowsNoRedirect(t *testing.T) {
	asked := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer other.Close()
	server := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	if got := on("", "trigger", "rotate", "--server", server.URL); got.code != 3 || asked {
		t.Errorf("%+v, followed: %t", got, asked)
	}
}

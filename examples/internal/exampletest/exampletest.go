// Package exampletest runs an example program in a test, and calls it as a client
// does.
package exampletest

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Program is an example program that serves.
type Program struct{ vars map[string]string }

// Start runs a program on a free port. The program's first line is shell
// assignments: API, and a variable for each issuer. The program ends with the test
// binary.
func Start(t *testing.T, serve func(address string, stdout io.Writer) error) *Program {
	t.Helper()
	read, write := io.Pipe()
	go func() { _ = write.CloseWithError(serve("127.0.0.1:0", write)) }()
	line, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		t.Fatalf("the first line is %q: %v", line, err)
	}
	p := &Program{vars: map[string]string{}}
	for assignment := range strings.FieldsSeq(line) {
		name, value, _ := strings.Cut(assignment, "=")
		p.vars[name] = value
	}
	return p
}

// Var returns the value of a variable.
func (p *Program) Var(name string) string { return p.vars[name] }

// Token requests an access token from the issuer whose URL is in the variable
// issuer. The parameters are alternating names and values.
func (p *Program) Token(t *testing.T, issuer string, params ...string) string {
	t.Helper()
	return p.token(t, p.Var(issuer), "", params)
}

// BoundToken requests a token from ISSUER with a DPoP proof.
func (p *Program) BoundToken(t *testing.T, proof string, params ...string) string {
	t.Helper()
	return p.token(t, p.Var("ISSUER"), proof, params)
}

func (p *Program) token(t *testing.T, issuer, proof string, params []string) string {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"app"}}
	for pair := range slices.Chunk(params, 2) {
		form.Set(pair[0], pair[1])
	}
	a := do(t, "POST", issuer+"/token", form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "DPoP", proof)
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(a.body), &answer); err != nil || answer.Token == "" {
		t.Fatalf("no token: %d %s", a.status, a.body)
	}
	return answer.Token
}

// Answer is a response of the API.
type Answer struct {
	request string
	status  int
	header  http.Header
	body    string
}

// Check sends a request such as "GET /orders" to the API and checks the status.
// header contains alternating names and values; empty values are left out.
func (p *Program) Check(t *testing.T, request string, status int, header ...string) Answer {
	t.Helper()
	method, path, _ := strings.Cut(request, " ")
	a := do(t, method, p.Var("API")+path, "", header...)
	if a.status != status {
		t.Errorf("%s: %d %q %s; want %d", request, a.status, a.header["Www-Authenticate"], a.body, status)
	}
	return a
}

// Challenges checks the WWW-Authenticate fields, whole and in order.
func (a Answer) Challenges(t *testing.T, want ...string) {
	t.Helper()
	if got := a.header["Www-Authenticate"]; !slices.Equal(got, want) {
		t.Errorf("%s: challenges\n%q; want\n%q", a.request, got, want)
	}
}

// Field checks a header field.
func (a Answer) Field(t *testing.T, name, want string) {
	t.Helper()
	if got := a.header.Get(name); got != want {
		t.Errorf("%s: %s %q; want %q", a.request, name, got, want)
	}
}

// Body checks the body.
func (a Answer) Body(t *testing.T, want string) {
	t.Helper()
	if a.body != want {
		t.Errorf("%s: body %q; want %q", a.request, a.body, want)
	}
}

// Contains checks that the body contains each of the texts.
func (a Answer) Contains(t *testing.T, want ...string) {
	t.Helper()
	for _, text := range want {
		if !strings.Contains(a.body, text) {
			t.Errorf("%s: the body has no %s\n%s", a.request, text, a.body)
		}
	}
}

func do(t *testing.T, method, url, body string, header ...string) Answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for pair := range slices.Chunk(header, 2) {
		if pair[1] != "" {
			r.Header.Set(pair[0], pair[1])
		}
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Answer{method + " " + url, response.StatusCode, response.Header, string(text)}
}

// HeadComment runs the commands in the first comment of main.go, and checks the
// statuses that their comments promise, such as "# 401: no proof".
func (p *Program) HeadComment(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("there is no curl")
	}
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(source), "\n"); lines >= 100 {
		t.Errorf("main.go has %d lines; want fewer than 100", lines)
	}
	head, _, _ := strings.Cut(string(source), "\npackage main")
	_, commands, _ := strings.Cut(head, "and then:\n")
	var script strings.Builder
	for line := range strings.Lines(commands) {
		if command, ok := strings.CutPrefix(line, "//\t"); ok {
			script.WriteString(command)
		}
	}
	var want, got []string
	for _, match := range regexp.MustCompile(`# ([0-9]{3})\b`).FindAllStringSubmatch(script.String(), -1) {
		want = append(want, match[1])
	}
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", build(t, script.String()))
	cmd.Env = os.Environ()
	for name, value := range p.vars {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.Output()
	for _, match := range regexp.MustCompile(`(?m)^HTTP/1\.1 ([0-9]{3})\b`).FindAllStringSubmatch(string(out), -1) {
		got = append(got, match[1])
	}
	if err != nil || len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("the commands answer %q, %v; want %q\n%s\n%s", got, err, want, script.String(), out)
	}
}

// build builds the programs that a script runs with "go run", and returns the
// script with the binaries instead, because each "go run" takes seconds.
func build(t *testing.T, script string) string {
	t.Helper()
	for _, match := range regexp.MustCompile(`go run \./examples/([a-z-]+)`).FindAllStringSubmatch(script, -1) {
		binary := filepath.Join(t.TempDir(), match[1])
		if out, err := exec.Command("go", "build", "-o", binary, "../"+match[1]).CombinedOutput(); err != nil {
			t.Fatalf("%s%v", out, err)
		}
		script = strings.ReplaceAll(script, match[0], binary)
	}
	return script
}

package interop_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// inspector is the command line of the MCP Inspector, with a home of its own.
type inspector struct {
	home string
}

// inspectorAnswer is what one run prints, and its exit code.
type inspectorAnswer struct {
	code   int
	logins int // how often it sent the user to the login page
	stderr string
	inspectorResult
}

type inspectorResult struct {
	Tools   []struct{ Name string } // of tools/list
	Content []struct{ Text string } // of tools/call
}

func (a *inspectorAnswer) text() string {
	if len(a.Content) != 1 {
		return ""
	}
	return a.Content[0].Text
}

// run runs one command. Whenever the Inspector opens a browser, user signs in there,
// and the browser goes back to the Inspector. An empty user means that nobody is
// there: the command must not ask.
func (i *inspector) run(t *testing.T, user string, args ...string) *inspectorAnswer {
	t.Helper()
	program := filepath.Join(inspectorFolder, "node_modules", "@modelcontextprotocol", "inspector", "clients", "launcher", "build", "index.js")
	// With port 0, the second login of a command would go back to the port of the first.
	cmd := exec.CommandContext(t.Context(), "node", append([]string{program, "--cli", "--format", "json",
		"--callback-url", "http://" + freeAddress(t) + "/oauth/callback"}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+i.home, "MCP_STORAGE_DIR="+i.home, "MCP_INSPECTOR_SECRET_STORE=file", "DO_NOT_TRACK=1")
	if user != "" {
		// Without a terminal, this makes it believe that a person is there. It then
		// runs the browser, which does nothing; this test reads the URL instead.
		cmd.Env = append(cmd.Env, "MCP_AUTO_OPEN_ENABLED=true", "BROWSER=true", "XDG_CURRENT_DESKTOP=X-Generic")
		cmd.Stdin = strings.NewReader("y\n") // to a question about more scopes
	}
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	hung := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer hung.Stop()
	answer := new(inspectorAnswer)
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		answer.stderr += lines.Text() + "\n"
		if _, page, ok := strings.Cut(lines.Text(), "navigate to: "); ok && user != "" {
			answer.logins++
			comeBack(t, signInAt(t, page, user))
		}
	}
	_ = cmd.Wait() // the exit code says more
	answer.code = cmd.ProcessState.ExitCode()
	if answer.code == 0 {
		var envelope struct{ Result *inspectorResult }
		if err := json.Unmarshal(stdout.Bytes(), &envelope); err != nil || envelope.Result == nil {
			t.Fatalf("%v: the Inspector prints %s\n%s", args, stdout.String(), answer.stderr)
		}
		answer.inspectorResult = *envelope.Result
	}
	return answer
}

// comeBack opens the page of the Inspector to which the browser is sent.
func comeBack(t *testing.T, page string) {
	t.Helper()
	resp, err := http.Get(page)
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("the Inspector answers the browser %s %s, error %v", resp.Status, body, err)
	}
}

const inspectorAuthRequired = 3 // an exit code

func inspectTools(url string, more ...string) []string {
	return append([]string{url, "--method", "tools/list"}, more...)
}

func inspectCall(url, tool string, more ...string) []string {
	return append([]string{url, "--method", "tools/call", "--tool-name", tool}, more...)
}

// The MCP Inspector's command line knows only the URL of an MCP server. It registers
// at bearer dev, sends the user there with PKCE, calls tools, and keeps the tokens
// for the next command.
func TestDevWithMCPInspector(t *testing.T) {
	t.Parallel()
	needNode(t, inspectorFolder)
	s := newMCPServer(t, startBearerDev(t), true)
	i := &inspector{home: t.TempDir()}
	if got := i.run(t, "", inspectTools(s.url, "--stored-auth-only")...); got.code != inspectorAuthRequired {
		t.Errorf("without a login it ends with %d\n%s", got.code, got.stderr)
	}
	got := i.run(t, "alice", inspectTools(s.url)...)
	if got.code != 0 || got.logins != 1 || len(got.Tools) != 2 {
		t.Fatalf("it lists %+v, code %d, after %d logins\n%s\n%s", got.Tools, got.code, got.logins, got.stderr, s.api.logged())
	}
	// The Inspector asks for all scopes of the metadata, so this needs no more.
	got = i.run(t, "", inspectCall(s.url, "place", "--stored-auth-only")...)
	if !strings.HasPrefix(got.text(), "place alice client-") {
		t.Errorf("with the stored token the tool answers %q, code %d\n%s", got.text(), got.code, got.stderr)
	}
	got = i.run(t, "bob", inspectCall(s.url, "list", "--relogin")...)
	if got.logins != 1 || !strings.HasPrefix(got.text(), "list bob client-") {
		t.Errorf("after --relogin as bob the tool answers %q after %d logins\n%s", got.text(), got.logins, got.stderr)
	}
}

// With fewer scopes than the tool needs, the Inspector asks the person, and signs in
// for the scopes of the challenge.
func TestDevWithMCPInspectorStepUp(t *testing.T) {
	t.Parallel()
	needNode(t, inspectorFolder)
	s := newMCPServer(t, startBearerDev(t), true)
	i := &inspector{home: t.TempDir()}
	config, err := json.Marshal(map[string]any{"mcpServers": map[string]any{"orders": map[string]any{
		"type": "streamable-http", "url": s.url, "oauth": map[string]string{"scopes": "orders:read"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(i.home, "mcp.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	got := i.run(t, "alice", "--config", file, "--server", "orders", "--method", "tools/call", "--tool-name", "place")
	if got.logins != 2 || !strings.HasSuffix(got.text(), " orders:read orders:write") {
		t.Errorf("the tool answers %q, code %d, after %d logins\n%s\n%s", got.text(), got.code, got.logins, got.stderr, s.api.logged())
	}
}

// A token of bearer token is good for the Inspector's --header.
func TestDevTokenWithMCPInspector(t *testing.T) {
	t.Parallel()
	needNode(t, inspectorFolder)
	issuer := startBearerDev(t)
	s := newMCPServer(t, issuer, true)
	i := &inspector{home: t.TempDir()}
	program, err := bearerProgram()
	if err != nil {
		t.Fatal(err)
	}
	token, err := exec.CommandContext(t.Context(), program, "token", "--issuer", issuer, "--subject", "alice",
		"--scope", "orders:read", "--audience", s.url).Output()
	if err != nil {
		t.Fatal(err)
	}
	header := "Authorization: Bearer " + strings.TrimSpace(string(token))
	got := i.run(t, "", inspectCall(s.url, "list", "--header", header)...)
	if !strings.HasPrefix(got.text(), "list alice ") {
		t.Errorf("the tool answers %q, code %d\n%s\n%s", got.text(), got.code, got.stderr, s.api.logged())
	}
	if got := i.run(t, "", inspectCall(s.url, "place", "--header", header)...); got.code == 0 {
		t.Errorf("the tool that needs another scope answers %q", got.text())
	}
}

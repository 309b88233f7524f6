package main

import (
	"bufio"
	"context"
	"errors"
	"go/format"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/resource"
)

// Each line that -dev prints gets the status that its comment promises.
func TestDemo(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("NOT tested without curl")
	}
	ctx, cancel := context.WithCancel(t.Context())
	read, write := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, []string{"-dev", "-listen", "127.0.0.1:0"}, write)
		_ = write.Close()
		ended <- err
	}()
	lines := bufio.NewScanner(read)
	lines.Buffer(nil, 1<<20)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "listening on http://127.0.0.1:") {
		t.Fatalf("first line %q", lines.Text())
	}
	origin := strings.TrimPrefix(lines.Text(), "listening on ")
	var demo []string // read to its end: the program serves after printing it
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "Ctrl-C") {
		demo = append(demo, lines.Text())
	}
	want := []string{ // a part of each answer
		`scope="notes:read", resource_metadata="http://`,
		`"authorization_servers":["http://127.0.0.1:`,
		"The notes of alice: ",
		`error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", scope="notes:read notes:write"`,
		"Noted for alice.",
		`"access_token":"`,
	}
	expect := regexp.MustCompile(`^# expect (\d+):`)
	ran, status := 0, ""
	for _, line := range demo {
		if found := expect.FindStringSubmatch(line); found != nil {
			status = found[1]
			continue
		}
		if !strings.HasPrefix(line, "curl ") {
			continue
		}
		if ran == len(want) {
			t.Fatalf("one more line: %s", line)
		}
		out, err := exec.CommandContext(ctx, "sh", "-c", line).Output()
		if err != nil || !strings.HasPrefix(string(out), "HTTP/1.1 "+status+" ") || !strings.Contains(string(out), want[ran]) {
			t.Errorf("%s\n%v\n%s\nwant %s and %s", line, err, out, status, want[ran])
		}
		ran++
	}
	if ran != len(want) {
		t.Errorf("%d lines ran, want %d", ran, len(want))
	}
	// Reports G11: the server refuses a page whose name resolves to this machine.
	for host, want := range map[string]int{"": http.StatusOK, "localhost": http.StatusOK, "evil.example": http.StatusMisdirectedRequest} {
		r, err := http.NewRequest("GET", origin+resource.WellKnownPath, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("Host %q: %d, want %d", host, resp.StatusCode, want)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"-dev", "-issuer", "https://login.example.com"}, {"-dev", "more"}, {"-unknown"}} {
		if err := run(t.Context(), args, io.Discard); !errors.Is(err, errUsage) {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// The program in docs/mcp.md compiles.
func TestProgramOfThePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/mcp.md")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(page), "```go\n")
	code, _, found := strings.Cut(code, "```\n")
	file := filepath.Join(t.TempDir(), "main.go")
	if formatted, err := format.Source([]byte(code)); !found || err != nil || string(formatted) != code {
		t.Errorf("the program is not formatted, or there is none: %v", err)
	}
	if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", filepath.Join(t.TempDir(), "server"), file).CombinedOutput(); err != nil {
		t.Errorf("%s%v", out, err)
	}
}

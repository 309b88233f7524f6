package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// Each line that -dev prints answers what is written above it.
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
	var demo []string // whole, since the program serves when it is printed
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "Ctrl-C") {
		demo = append(demo, lines.Text())
	}
	want := []string{ // what stands in the answer
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

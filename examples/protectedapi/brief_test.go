package main

import (
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// A shell runs the lines that -brief prints, in their order, as a reader would. The
// token is set once.
func TestBriefDemo(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	for _, args := range [][]string{
		{"-mtls", "off"}, {"-framework", "gin", "-mtls", "allowed"},
		{"-framework", "echo5", "-dpop", "required", "-dpop-nonce", "required", "-mtls", "required"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			p := startProcess(t, append(args, "-dev", "-brief")...)
			eventually(t, patience, "the demonstration is printed", func() bool {
				stdout, _ := p.output()
				return strings.Contains(stdout, "Ctrl-C")
			})
			stdout, _ := p.output()
			if lines := strings.Split(stdout, "\n"); lines[2] != "Open the console in a browser: "+p.url+"/" {
				t.Errorf("the first lines are\n%s", stdout)
			}
			if strings.Contains(stdout, "eyJ") || len(stdout) > 6000 {
				t.Errorf("%d bytes:\n%s", len(stdout), stdout)
			}
			set := regexp.MustCompile(`(?m)^TOKEN=.*$`).FindAllString(stdout, -1)
			rows := regexp.MustCompile(`(?m)^# expect ([0-9]{3}): (.*)\n(curl .*)$`).FindAllStringSubmatch(stdout, -1)
			headings := regexp.MustCompile(`(?m)^[0-9]\. `).FindAllString(stdout, -1)
			if len(set) != 1 || len(rows) != 6 || len(headings) != 3 {
				t.Fatalf("%d tokens, %d requests and %d headings in\n%s", len(set), len(rows), len(headings), stdout)
			}
			for _, row := range rows {
				want, about, command := row[1], row[2], row[3]
				shell := exec.Command("/bin/sh", "-c", set[0]+"\n"+command)
				shell.Env = append(os.Environ(), "http_proxy=", "HTTP_PROXY=", "all_proxy=", "ALL_PROXY=")
				out, err := shell.Output()
				if err != nil {
					t.Errorf("%s: %v", about, err)
				}
				if first, _, _ := strings.Cut(string(out), "\r\n"); len(strings.Fields(first)) < 2 || strings.Fields(first)[1] != want {
					t.Errorf("%s: %q; want %s\n%s\n%s", about, first, want, command, out)
				}
			}
			p.end(t, syscall.SIGINT)
		})
	}
}

// If the port is in use, the program and make say what to set.
func TestBusyPort(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var stderr strings.Builder
	code := run([]string{"-dev", "-listen", listener.Addr().String()}, io.Discard, &stderr)
	if code != exitFailed || !strings.Contains(stderr.String(), "-listen") || !strings.Contains(stderr.String(), "PORT") || strings.Count(stderr.String(), "\n") != 1 {
		t.Errorf("%d, %s", code, stderr.String())
	}
}

// make demo prints little, and make demo-all prints what the program prints by
// itself.
func TestMakeDemo(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("make is not installed")
	}
	for target, want := range map[string]string{
		"demo":     "bin/protectedapi -dev -brief -listen 127.0.0.1:8081 -framework gin -dpop allowed -mtls off",
		"demo-all": "bin/protectedapi -dev -listen 127.0.0.1:8081 -framework gin -dpop allowed -mtls allowed",
	} {
		cmd := exec.Command("make", "-n", "-C", "../..", "--no-print-directory", target, "PORT=8081", "FRAMEWORK=gin")
		cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
		out, err := cmd.Output()
		if err != nil || !strings.Contains(strings.Join(strings.Fields(string(out)), " "), "exec "+want) {
			t.Errorf("%s: %v, %s", target, err, out)
		}
	}
}

func TestBriefNeedsDev(t *testing.T) {
	t.Parallel()
	var stderr strings.Builder
	if code := run([]string{"-issuer", "https://login.example.com", "-brief"}, io.Discard, &stderr); code != exitUsage || !strings.Contains(stderr.String(), "-brief") {
		t.Errorf("%d, %s", code, stderr.String())
	}
}

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary is the file of the built program.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "protectedapi")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "protectedapi")
		if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%s%v\n", out, err)
			return 1
		}
		return m.Run()
	}())
}

// process is a running program.
type process struct {
	cmd    *exec.Cmd
	url    string
	ended  chan error
	mu     sync.Mutex
	stdout bytes.Buffer
	stderr bytes.Buffer
}

func (p *process) output() (stdout, stderr string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stdout.String(), p.stderr.String()
}

// startProcess starts the program on a free port, and waits until it listens.
func startProcess(t *testing.T, args ...string) *process {
	t.Helper()
	return startIn(t, os.TempDir(), args...)
}

// startIn is startProcess with a directory for temporary files.
func startIn(t *testing.T, tmp string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(binary, append([]string{"-listen", "127.0.0.1:0"}, args...)...), ended: make(chan error, 1)}
	p.cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var copies sync.WaitGroup
	for _, c := range []struct {
		from io.Reader
		to   *bytes.Buffer
	}{{stdout, &p.stdout}, {stderr, &p.stderr}} {
		copies.Go(func() {
			for lines := bufio.NewReader(c.from); ; {
				line, err := lines.ReadString('\n')
				p.mu.Lock()
				c.to.WriteString(line)
				p.mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	go func() {
		copies.Wait()
		p.ended <- p.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // fails if the process has ended
	})
	eventually(t, patience, "the first line", func() bool {
		stdout, _ := p.output()
		return strings.Contains(stdout, "\n")
	})
	out, _ := p.output()
	line, _, _ := strings.Cut(out, "\n")
	url, ok := strings.CutPrefix(line, "listening on ")
	if !ok || !regexp.MustCompile(`^https?://(127\.0\.0\.1|\[::1\]):[1-9][0-9]*$`).MatchString(url) {
		t.Fatalf("the first line is %q", line)
	}
	p.url = url
	return p
}

// end sends a signal, and checks that the program exits with status 0.
func (p *process) end(t *testing.T, signal os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	p.waitForEnd(t, 0)
}

func (p *process) waitForEnd(t *testing.T, want int) {
	t.Helper()
	select {
	case err := <-p.ended:
		status := 0
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			status = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if status != want {
			_, stderr := p.output()
			t.Errorf("exit status %d; want %d\n%s", status, want, stderr)
		}
	case <-time.After(patience):
		t.Fatal("the program does not end")
	}
}

// A shell runs each request that -dev prints, as a reader would. Set
// BEARERKIT_SECONDS to test more combinations of flags.
func TestDemo(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	combinations := [][]string{
		{"-framework", "nethttp"},
		{"-framework", "echo", "-dpop", "required", "-dpop-nonce", "required", "-listen", "[::1]:0"},
		{"-framework", "gin", "-mtls", "allowed", "-trusted-proxy", "127.0.0.1", "-profile", "mcp",
			"-resource", "https://api.example.com/v1", "-introspect-all"},
		{"-profile", "fapi2", "-mtls", "allowed", "-dpop", "off", "-introspection-max-age", "0s"},
	}
	if _, long := longRun(t); long {
		combinations = append(combinations, [][]string{
			{"-framework", "echo"}, {"-framework", "echo5"}, {"-framework", "gin"}, {"-introspect-all"}, {"-introspection-max-age", "0s"}, {"-dpop", "off"},
			{"-dpop-nonce", "required"}, {"-dpop", "required", "-introspect-all"}, {"-resource", "https://api.example.com/v1", "-dpop", "required"},
			{"-mtls", "allowed"}, {"-mtls", "required"}, {"-mtls", "required", "-dpop", "off"},
			{"-mtls", "required", "-dpop", "required", "-dpop-nonce", "required", "-listen", "[::1]:0"},
			{"-mtls", "allowed", "-trusted-proxy", "127.0.0.1"}, {"-mtls", "required", "-trusted-proxy", "127.0.0.0/8"},
			{"-profile", "fapi2"}, {"-profile", "fapi2", "-mtls", "required"}, {"-profile", "mcp"},
		}...)
	}
	for _, args := range combinations {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			tmp := t.TempDir()
			p := startIn(t, tmp, append(args, "-dev")...)
			eventually(t, patience, "the demonstration is printed", func() bool {
				stdout, _ := p.output()
				return strings.Contains(stdout, "Ctrl-C")
			})
			stdout, _ := p.output()
			rows := regexp.MustCompile(`(?m)^# expect ([0-9]{3}): (.*)\n((?:curl |TOKEN=).*)$`).FindAllStringSubmatch(stdout, -1)
			if commands := strings.Count(stdout, "\n# "); len(rows) < 30 || len(rows) != commands {
				t.Fatalf("%d rows, %d commands in\n%s", len(rows), commands, stdout)
			}
			shown := map[string]bool{}
			for _, row := range rows {
				want, about, command := row[1], row[2], row[3]
				shell := exec.Command("/bin/sh", "-c", command)
				shell.Env = append(os.Environ(), "TMPDIR="+tmp, "http_proxy=", "HTTP_PROXY=", "all_proxy=", "ALL_PROXY=")
				out, err := shell.Output()
				if err != nil {
					t.Errorf("%s: %v", about, err)
				}
				first, _, _ := strings.Cut(string(out), "\r\n")
				if status := strings.Fields(first); len(status) < 2 || status[1] != want {
					t.Errorf("%s: %q; want %s\n%s\n%s", about, first, want, command, out)
				}
				for code := range strings.FieldsFuncSeq(about, func(r rune) bool { return (r < 'a' || r > 'z') && r != '_' }) {
					if strings.Contains(code, "_") && (strings.HasPrefix(code, "in") || strings.HasPrefix(code, "use_")) && !strings.Contains(string(out), `error="`+code+`"`) {
						t.Errorf("%s: no %s in\n%s", about, code, out)
					}
				}
				shown[want] = true
			}
			for flags, texts := range map[string][]string{
				"-dpop":       {"for this request", "invalid_dpop_proof", "both schemes"},
				"-mtls":       {"with that certificate", "with another certificate", "with both"},
				"-dpop-nonce": {"use_dpop_nonce"},
			} {
				wanted := slices.Contains(args, flags) || flags == "-dpop"
				if i := slices.Index(args, "-dpop"); i >= 0 && args[i+1] == "off" {
					wanted = false
				}
				for _, text := range texts {
					if wanted && !strings.Contains(stdout, text) {
						t.Errorf("no row about %q", text)
					}
				}
			}
			for _, status := range []string{"200", "400", "401", "403", "503"} {
				if !shown[status] {
					t.Errorf("no row shows %s", status)
				}
			}
			p.end(t, syscall.SIGINT)
			secret := regexp.MustCompile(` -u protectedapi:([A-Z2-7]{26}) `).FindStringSubmatch(stdout)
			if secret == nil {
				t.Fatalf("no credentials in\n%s", stdout)
			}
			for _, hush := range []string{"eyJ", "opaque_", secret[1]} {
				if _, stderr := p.output(); strings.Contains(stderr, hush) {
					t.Errorf("%s in the log:\n%s", hush, stderr)
				}
			}
			if left, err := os.ReadDir(tmp); err != nil || len(left) != 0 {
				t.Errorf("%v, %v remain", left, err)
			}
		})
	}
}

// The program prints no requests if the API would refuse each of them.
func TestDemoBehindAProxyElsewhere(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]bool{allowed: true, required: false} {
		p := startProcess(t, "-dev", "-mtls", mode, "-trusted-proxy", "192.0.2.0/24")
		eventually(t, patience, "the demonstration is printed", func() bool {
			stdout, _ := p.output()
			return strings.Contains(stdout, "Ctrl-C")
		})
		stdout, _ := p.output()
		if rows := strings.Contains(stdout, "\n# expect "); rows != want || strings.Contains(stdout, "There are none") == want ||
			strings.Contains(stdout, "with that certificate") {
			t.Errorf("-mtls %s: standard output is\n%s", mode, stdout)
		}
		p.end(t, syscall.SIGTERM)
	}
}

func TestSignalsEndTheProgram(t *testing.T) {
	t.Parallel()
	for _, framework := range frameworks {
		for _, signal := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
			t.Run(framework+" "+signal.String(), func(t *testing.T) {
				p := startProcess(t, "-framework", framework, "-issuer", "https://127.0.0.1:1")
				if got := send(t, p.url, "GET /healthz"); got.status != 200 {
					t.Errorf("%+v", got)
				}
				p.end(t, signal)
				if stdout, _ := p.output(); stdout != "listening on "+p.url+"\n" {
					t.Errorf("standard output is %q", stdout)
				}
			})
		}
	}
}

func TestRequestsInFlightFinish(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	for _, framework := range frameworks {
		t.Run(framework, func(t *testing.T) {
			p := startProcess(t, "-framework", framework, "-issuer", issuer.URL(), "-audience", audience)
			addr := strings.TrimPrefix(p.url, "http://")
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(patience))
			_, err = fmt.Fprintf(conn, "POST /orders HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
				addr, issuer.Mint(tokenFor("orders:write")))
			if err != nil {
				t.Fatal(err)
			}
			// The server sends this when the handler reads the body.
			const goOn = "HTTP/1.1 100 Continue\r\n\r\n"
			head := make([]byte, len(goOn))
			if _, err := io.ReadFull(conn, head); err != nil || string(head) != goOn {
				t.Fatalf("%q, %v", head, err)
			}
			if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			eventually(t, patience, "new connections are refused", func() bool {
				other, err := net.Dial("tcp", addr)
				if err == nil {
					_ = other.Close()
				}
				return err != nil
			})
			if _, err := io.WriteString(conn, "hello"); err != nil {
				t.Fatal(err)
			}
			if got := receive(t, conn, "POST /orders"); got.status != 200 {
				t.Errorf("the request in flight: %+v", got)
			}
			p.waitForEnd(t, 0)
		})
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	p := startProcess(t, "-issuer", issuer.URL(), "-audience", audience)
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = fmt.Fprintf(conn, "POST /orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
		issuer.Mint(tokenFor("orders:write")))
	if _, err := io.ReadFull(conn, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, "the program shuts down", func() bool {
		_, stderr := p.output()
		return strings.Contains(stderr, "shutting down")
	})
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	p.waitForEnd(t, -1) // the signal killed it
}

func TestExitStatus(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		want int
	}{
		{nil, 2},
		{[]string{"-issuer", ""}, 2},
		{[]string{"-dev", "-issuer", "https://login.example.com"}, 2},
		{[]string{"-no-such-flag"}, 2},
		{[]string{"-h"}, 0},
	} {
		var stdout, stderr bytes.Buffer
		cmd := exec.Command(binary, tt.args...)
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		_ = cmd.Run()
		lines := strings.Count(stderr.String(), "\n")
		if status := cmd.ProcessState.ExitCode(); status != tt.want || status == 2 && (lines != 1 || stdout.Len() != 0) {
			t.Errorf("%q: exit status %d, %q, %q", tt.args, status, stdout.String(), stderr.String())
		}
	}
}

func TestNothingIsLeftRunning(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, framework := range frameworks {
		t.Run(framework, func(t *testing.T) {
			url := start(t, "-framework", framework, "-dev")
			if got := send(t, url, "GET /readyz"); got.status != 200 {
				t.Errorf("%+v", got)
			}
		})
	}
	eventually(t, patience, "no more goroutines than before", func() bool { return runtime.NumGoroutine() <= before })
}

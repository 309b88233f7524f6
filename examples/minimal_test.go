package examples_test

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

func TestMinimalPrograms(t *testing.T) {
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	for _, name := range []string{"minimal-nethttp", "minimal-echo5", "minimal-echo", "minimal-gin"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, err := os.ReadFile(filepath.Join(name, "main.go"))
			if lines := strings.Count(string(source), "\n"); err != nil || lines >= 60 {
				t.Errorf("%d lines, %v; want fewer than 60", lines, err)
			}
			url := startMinimal(t, name, issuer.URL())
			for _, tt := range []struct {
				path, scope, subject string
				want                 int
				body                 string
			}{
				{"/orders", "orders:read", "alice", 200, "The orders, for alice.\n"},
				{"/orders", "orders:readall", "alice", 403, ""},
				{"/users/auth0%7Calice", "", "auth0|alice", 200, "You are auth0|alice.\n"},
				{"/users/bob", "", "alice", 403, ""},
			} {
				token := issuer.Mint(bearertest.Token{Subject: tt.subject, Scope: tt.scope})
				status, body := get(t, url+tt.path, token)
				if status != tt.want || tt.body != "" && body != tt.body {
					t.Errorf("%s, %q: %d %q; want %d %q", tt.path, tt.scope, status, body, tt.want, tt.body)
				}
				if status, _ := get(t, url+tt.path, ""); status != 401 {
					t.Errorf("%s without a token: %d", tt.path, status)
				}
			}
		})
	}
}

// startMinimal builds a program and runs it on a free port.
func startMinimal(t *testing.T, name, issuer string) (url string) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), name)
	if out, err := exec.Command("go", "build", "-o", binary, "./"+name).CombinedOutput(); err != nil {
		t.Fatalf("%s%v", out, err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	_ = listener.Close()
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), "ISSUER="+issuer, "AUDIENCE=https://api.example.com", "PORT="+port)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); <-tick.C {
		if conn, err := net.Dial("tcp", addr); err == nil {
			_ = conn.Close()
			return "http://" + addr
		}
	}
	t.Fatal("the program does not listen")
	return ""
}

func get(t *testing.T, url, token string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(b)
}

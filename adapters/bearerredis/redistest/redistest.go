// Package redistest runs a redis-server for a test, on a loopback port of its own:
// one server, a Cluster, or a master with a replica and Sentinels. The test can
// stop and restart each. Nothing on disk outlives the test.
package redistest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Config configures a server. The zero value is a server without a password,
// without TLS and without persistence.
type Config struct {
	// Password is required of every client. Default: none.
	Password string

	// TLS makes the server accept only TLS, with a certificate that
	// [Server.TLSConfig] trusts.
	TLS bool

	// Durable makes the server keep its data across restarts.
	Durable bool

	// LoadDelay is how long a restarted Durable server takes to load each key,
	// rounded down to microseconds.
	LoadDelay time.Duration
}

// Server is a redis-server, running or stopped.
type Server struct {
	t       testing.TB
	program string
	dir     string
	port    int
	config  Config
	more    []string // settings of a node of a Cluster, a replica or a Sentinel
	roots   *x509.CertPool

	process *exec.Cmd
	done    chan struct{} // closed when process has ended
	output  *bytes.Buffer // what it printed; read it after done is closed
}

// New starts a server and stops it when the test ends. If no redis-server is
// installed, New skips the test, or fails it if the environment has CI=true.
func New(t testing.TB, config Config) *Server {
	t.Helper()
	return newServer(t, config, nil)
}

// newServer starts a server with more settings. If like is not nil, the server
// has the same certificate as like.
func newServer(t testing.TB, config Config, like *Server, more ...string) *Server {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		program, err = exec.LookPath("/usr/bin/redis-server")
	}
	if err != nil {
		const missing = "redis-server not found; install Debian's package redis-server or Homebrew's redis"
		if os.Getenv("CI") == "true" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	s := &Server{t: t, program: program, dir: t.TempDir(), config: config, more: more}
	switch {
	case config.TLS && like != nil:
		s.copyCertificate(like)
	case config.TLS:
		s.makeCertificate()
	}
	t.Cleanup(s.Stop)
	for range 20 {
		s.port = freePort(t)
		if err = s.start(); err == nil {
			return s
		}
		if errors.Is(err, errNoTLS) {
			if os.Getenv("CI") == "true" {
				t.Fatal(program, ": ", err)
			}
			t.Skip(program, ": ", err)
		}
	}
	t.Fatal(err)
	return nil
}

var errNoTLS = errors.New("built without TLS")

// Address returns the server's HOST:PORT, which does not change.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// TLSConfig returns a configuration that trusts the server's certificate.
func (s *Server) TLSConfig() *tls.Config {
	return &tls.Config{RootCAs: s.roots, MinVersion: tls.VersionTLS12}
}

// Start restarts the server and returns when it is ready.
func (s *Server) Start() {
	s.t.Helper()
	if err := s.start(); err != nil {
		s.t.Fatal(err)
	}
}

// StartLoading restarts the server and returns when it accepts connections but
// answers LOADING. Config.LoadDelay determines how long that lasts.
func (s *Server) StartLoading() {
	s.t.Helper()
	if err := s.launch("Server initialized"); err != nil {
		s.t.Fatal(err)
	}
}

// Stop kills the server, like a crash, and returns when the process has ended.
func (s *Server) Stop() {
	if s.process != nil {
		_ = s.process.Process.Kill() // it may have ended already
		<-s.done
		s.process = nil
	}
}

// Signal sends a signal to the server, for example SIGSTOP to make it hang.
func (s *Server) Signal(signal os.Signal) {
	s.t.Helper()
	if err := s.process.Process.Signal(signal); err != nil {
		s.t.Fatal(err)
	}
}

func (s *Server) start() error { return s.launch("Ready to accept connections") }

// launch starts the server and returns when it prints the given line.
func (s *Server) launch(line string) error {
	settings := []string{
		"bind 127.0.0.1",
		"dir " + strconv.Quote(s.dir),
		`save ""`,
		"appendonly " + map[bool]string{false: "no", true: "yes"}[s.config.Durable],
		"daemonize no",
	}
	if s.config.LoadDelay > 0 {
		settings = append(settings, fmt.Sprintf("key-load-delay %d", s.config.LoadDelay.Microseconds()), "loading-process-events-interval-bytes 1024")
	}
	if s.config.Password != "" {
		settings = append(settings, "requirepass "+strconv.Quote(s.config.Password), "masterauth "+strconv.Quote(s.config.Password))
	}
	settings = append(settings, s.listenSettings()...)
	settings = append(settings, s.more...)
	return s.run(exec.Command(s.program, "-"), settings, line) // on standard input, so the process list does not show the password
}

// listenSettings returns the settings of the port and of TLS.
func (s *Server) listenSettings() []string {
	if !s.config.TLS {
		return []string{fmt.Sprintf("port %d", s.port)}
	}
	return []string{"port 0", fmt.Sprintf("tls-port %d", s.port), "tls-auth-clients no",
		"tls-cert-file " + strconv.Quote(filepath.Join(s.dir, "cert.pem")),
		"tls-key-file " + strconv.Quote(filepath.Join(s.dir, "key.pem")),
		"tls-ca-cert-file " + strconv.Quote(filepath.Join(s.dir, "cert.pem"))}
}

// run starts a process, writes the settings to its standard input, and returns
// when it prints the given line.
func (s *Server) run(process *exec.Cmd, settings []string, line string) error {
	process.Stdin = strings.NewReader(strings.Join(settings, "\n") + "\n")
	stdout, err := process.StdoutPipe()
	if err != nil {
		return err
	}
	process.Stderr = process.Stdout
	if err := process.Start(); err != nil {
		return err
	}
	ready, done, output := make(chan struct{}), make(chan struct{}), new(bytes.Buffer)
	go func() {
		defer close(done)
		lines, told := bufio.NewScanner(io.TeeReader(stdout, output)), false
		for lines.Scan() {
			if !told && strings.Contains(lines.Text(), line) {
				told = true
				close(ready)
			}
		}
		_ = process.Wait() // it was killed, or its output has the error
	}()
	s.process, s.done, s.output = process, done, output
	select {
	case <-ready:
		return nil
	case <-done:
		s.process = nil
		if s.config.TLS && bytes.Contains(output.Bytes(), []byte("Bad directive")) {
			return errNoTLS
		}
		return fmt.Errorf("redis-server ended:\n%s", output)
	case <-time.After(30 * time.Second):
		s.Stop()
		return fmt.Errorf("redis-server is not ready after 30 s:\n%s", output)
	}
}

// freePort returns a port below the range of outgoing connections: from within
// that range, a client of a stopped server could connect to itself.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 20000 + mathrand.IntN(10000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no free port from 20000 to 29999")
	return 0
}

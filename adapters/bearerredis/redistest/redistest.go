// Package redistest runs a redis-server for a test: on a loopback port of its
// own, with nothing on disk that outlives the test, to be stopped and started
// again as the test likes.
package redistest

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
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

// Config is what a server is started with. Its zero value is a server without a
// password and without TLS.
type Config struct {
	// Password is what every client must give.
	Password string

	// TLS makes the server speak nothing but TLS, with a certificate that
	// [Server.TLSConfig] trusts.
	TLS bool

	// Durable makes the server write what it keeps to a file of the test's, and
	// have it again when it is started again.
	Durable bool

	// LoadDelay is how long a Durable server takes for each key when it is
	// started again and loads what it has kept, rounded down to microseconds.
	LoadDelay time.Duration
}

// Server is a running redis-server, or one that was stopped.
type Server struct {
	t       testing.TB
	program string
	dir     string
	port    int
	config  Config
	roots   *x509.CertPool

	process *exec.Cmd
	done    chan struct{} // closed when process has ended
	output  *bytes.Buffer // what it printed, once done is closed
}

// New starts a server, and stops it when the test ends. Where no redis-server
// is installed the test is skipped, or fails if the environment has CI=true.
func New(t testing.TB, config Config) *Server {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		program, err = exec.LookPath("/usr/bin/redis-server")
	}
	if err != nil {
		const missing = "no redis-server here; Debian's package redis-server has it (apt-get install redis-server), as has redis of Homebrew"
		if os.Getenv("CI") == "true" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	s := &Server{t: t, program: program, dir: t.TempDir(), config: config}
	if config.TLS {
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

// Address returns the server's HOST:PORT, which stays the same.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// TLSConfig returns a configuration that trusts the server's certificate.
func (s *Server) TLSConfig() *tls.Config {
	return &tls.Config{RootCAs: s.roots, MinVersion: tls.VersionTLS12}
}

// Start starts the server again, and returns when it is ready.
func (s *Server) Start() {
	s.t.Helper()
	if err := s.start(); err != nil {
		s.t.Fatal(err)
	}
}

// StartLoading starts the server again, and returns when it takes connections
// and answers LOADING, for as long as Config.LoadDelay makes it.
func (s *Server) StartLoading() {
	s.t.Helper()
	if err := s.launch("Server initialized"); err != nil {
		s.t.Fatal(err)
	}
}

// Stop kills the server, as a crash would, and returns when it is gone.
func (s *Server) Stop() {
	if s.process != nil {
		_ = s.process.Process.Kill() // it may have ended already
		<-s.done
		s.process = nil
	}
}

// Signal sends a signal to the server, such as SIGSTOP to make it hang.
func (s *Server) Signal(signal os.Signal) {
	s.t.Helper()
	if err := s.process.Process.Signal(signal); err != nil {
		s.t.Fatal(err)
	}
}

func (s *Server) start() error { return s.launch("Ready to accept connections") }

// launch starts the server, and returns when it prints that line.
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
		settings = append(settings, "requirepass "+strconv.Quote(s.config.Password))
	}
	if s.config.TLS {
		settings = append(settings, "port 0", fmt.Sprintf("tls-port %d", s.port), "tls-auth-clients no",
			"tls-cert-file "+strconv.Quote(filepath.Join(s.dir, "cert.pem")),
			"tls-key-file "+strconv.Quote(filepath.Join(s.dir, "key.pem")),
			"tls-ca-cert-file "+strconv.Quote(filepath.Join(s.dir, "cert.pem")))
	} else {
		settings = append(settings, fmt.Sprintf("port %d", s.port))
	}

	process := exec.Command(s.program, "-") // settings come by standard input, so that no list of processes has the password
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
		_ = process.Wait() // killed, or its output says why
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

// freePort returns a port below those that outgoing connections get: one of
// these, trying to reach a server that was stopped, could reach itself.
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

func (s *Server) makeCertificate() {
	s.t.Helper()
	check := func(err error) {
		if err != nil {
			s.t.Fatal(err)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	check(err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	check(err)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	check(os.WriteFile(filepath.Join(s.dir, "cert.pem"), certificate, 0o600))
	check(os.WriteFile(filepath.Join(s.dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	s.roots = x509.NewCertPool()
	s.roots.AppendCertsFromPEM(certificate)
}

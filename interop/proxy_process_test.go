package interop_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// proxyProgram returns the path of a proxy's program. Debian keeps them outside of
// the PATH of most users.
func proxyProgram(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	return exec.LookPath("/usr/sbin/" + name)
}

func needProxy(t *testing.T, program string) {
	t.Helper()
	if _, err := proxyProgram(program); err != nil {
		leftOut(t, "client certificates were NOT tested behind %s: %v; to include it, install Debian's package %[1]s", program, err)
	}
}

// startNginx starts nginx with these lines in its server block.
func startNginx(t *testing.T, lines, certificate, key string) (address string) {
	dir, address := t.TempDir(), freeAddress(t)
	var paths strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&paths, "%s_temp_path %s;\n", kind, filepath.Join(dir, kind))
	}
	server, location, _ := strings.Cut(lines, "\n")
	file := writeConfig(t, dir, fmt.Sprintf(`
daemon off;
master_process off;
pid %[1]s/nginx.pid;
error_log stderr;
events {}
http {
access_log off;
%[2]s
server {
listen %[3]s ssl;
ssl_certificate %[4]s;
ssl_certificate_key %[5]s;
%[6]s
location / {
%[7]s
}
}
}
`, dir, paths.String(), address, certificate, key, server, location))
	startProxy(t, address, "nginx", "-p", dir, "-e", "stderr", "-c", file)
	return address
}

// startHAProxy starts HAProxy with these lines in its listener.
func startHAProxy(t *testing.T, lines, certificate, key string) (address string) {
	dir, address := t.TempDir(), freeAddress(t)
	var both []byte
	for _, file := range []string{certificate, key} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, data...)
	}
	pair := filepath.Join(dir, "pair.pem")
	if err := os.WriteFile(pair, both, 0o600); err != nil {
		t.Fatal(err)
	}
	// The authority has issued none of the clients' certificates, which are
	// self-signed; so its errors are ignored.
	file := writeConfig(t, dir, fmt.Sprintf(`
defaults
mode http
timeout connect 10s
timeout client 10s
timeout server 10s
listen api
bind %s ssl crt %s verify optional ca-file %s crt-ignore-err all ca-ignore-err all
%s
`, address, pair, certificate, lines))
	startProxy(t, address, "haproxy", "-db", "-f", file)
	return address
}

func writeConfig(t *testing.T, dir, text string) (file string) {
	t.Helper()
	file = filepath.Join(dir, "proxy.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// startProxy starts a program and waits until it listens. It stops the program when
// the test ends.
func startProxy(t *testing.T, address, program string, args ...string) {
	t.Helper()
	path, err := proxyProgram(program)
	if err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	command := exec.Command(path, args...)
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command.Wait()
	}()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		<-ended
	})
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(30 * time.Second)
	for {
		if connection, err := net.Dial("tcp", address); err == nil {
			_ = connection.Close()
			return
		}
		select {
		case <-tick.C:
		case <-ended:
			t.Fatalf("%s ended:\n%s", program, &output)
		case <-late:
			t.Fatalf("%s does not listen on %s after 30 s", program, address)
		}
	}
}

// freeAddress returns a loopback address with a port below the range of outgoing
// connections.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 20000+mathrand.IntN(10000))
		if listener, err := net.Listen("tcp", address); err == nil {
			_ = listener.Close()
			return address
		}
	}
	t.Fatal("no free port from 20000 to 29999")
	return ""
}

// newServerCertificate returns a self-signed certificate for localhost.
func newServerCertificate(t *testing.T) *clientCertificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "proxy"}, NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return &clientCertificate{cert: writePEM(t, "CERTIFICATE", der), key: writePEM(t, "PRIVATE KEY", private), der: der}
}

package main

import (
	"bytes"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/internal/credential"
)

// The program reports a mistake in one line on standard error, writes nothing to
// standard output and exits with status 2.
func TestMistakesOfTheCommandLine(t *testing.T) {
	const (
		issuer = "https://login.example.com"
		hush   = "hush-hush"
	)
	key := filepath.Join(t.TempDir(), "key.pem")
	if _, err := credential.NewKey(key); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		want string // a part of the line; alternatives are separated by |
	}{
		{nil, "no -issuer"},
		{[]string{"-issuer", ""}, "-issuer"},
		{[]string{"-dev", "-issuer", ""}, "-issuer"},
		{[]string{"-dev", "-issuer", issuer}, "exclude each other"},
		{[]string{"-dev", "-issuer-profile", "keycloak"}, "-issuer-profile keycloak and -dev exclude each other: the tokens of the development issuer follow RFC 9068"},
		{[]string{"-issuer", issuer, "-issuer-profile", "Keycloak"}, `-issuer-profile "Keycloak"; want one of adfs, auth0, `},
		{[]string{"-dev=false"}, "no -issuer"},
		{[]string{"-dev=maybe"}, "maybe"},
		{[]string{"-dev", "-jwks-uri", issuer + "/jwks"}, "-jwks-uri"},
		{[]string{"-dev", "-listen", "0.0.0.0:0", "-resource", "https://api.example.com"}, "loopback"},
		{[]string{"-issuer", issuer, "-issuer", issuer + "/b", "-jwks-uri", issuer + "/jwks"}, "single -issuer"},
		{[]string{"-issuer", issuer, "-issuer", issuer}, "duplicate issuer URL"},
		{[]string{"-issuer", issuer, "-jwks-uri", "http://login.example.com/jwks"}, "https"},
		{[]string{"-issuer", issuer, "-jwks-uri", ""}, "-jwks-uri is empty"},
		{[]string{"-issuer", "http://login.example.com"}, "https"},
		{[]string{"-issuer", "login.example.com"}, "login.example.com"},
		{[]string{"-issuer", issuer + "?a=b"}, "query"},
		{[]string{"-issuer", issuer + "#a"}, "fragment"},
		{[]string{"-issuer", "::\nb"}, "-issuer"},
		{[]string{"-issuer", issuer, "-framework", "chi"}, `"chi"; want one of nethttp, echo, echo5, gin`},
		{[]string{"-issuer", issuer, "-framework", "Echo"}, `"Echo"`},
		{[]string{"-issuer", issuer, "-framework", ""}, "-framework is empty"},
		{[]string{"-issuer", issuer, "-listen", ""}, "-listen is empty"},
		{[]string{"-issuer", issuer, "-listen", "127.0.0.1"}, "HOST:PORT"},
		{[]string{"-issuer", issuer, "-listen", "127.0.0.1:65536"}, "port"},
		{[]string{"-issuer", issuer, "-listen", "127.0.0.1:-1"}, "port"},
		{[]string{"-issuer", issuer, "-listen", "127.0.0.1:http"}, "port"},
		{[]string{"-issuer", issuer, "-listen", "127.0.0.1:"}, "port"},
		{[]string{"-issuer", issuer, "-listen", ":0"}, "no -resource"},
		{[]string{"-issuer", issuer, "-listen", "0.0.0.0:0"}, "no -resource"},
		{[]string{"-issuer", issuer, "-listen", "[::]:0"}, "no -resource"},
		{[]string{"-issuer", issuer, "-listen", "192.0.2.1:0"}, "no -resource"},
		{[]string{"-issuer", issuer, "-resource", ""}, "-resource is empty"},
		{[]string{"-issuer", issuer, "-resource", "http://api.example.com"}, "https"},
		{[]string{"-issuer", issuer, "-resource", "http://x.localhost"}, "https"}, // Reports G9
		{[]string{"-dev", "-listen", "x.localhost:0"}, "loopback"},
		{[]string{"-issuer", issuer, "-resource", "ftp://api.example.com"}, "https"},
		{[]string{"-issuer", issuer, "-resource", "api.example.com"}, "absolute"},
		{[]string{"-issuer", issuer, "-resource", "https:api"}, "absolute"},
		{[]string{"-issuer", issuer, "-resource", "https://"}, "absolute"},
		{[]string{"-issuer", issuer, "-resource", "https://api.example.com/#"}, "fragment"},
		{[]string{"-issuer", issuer, "-resource", "https://a@api.example.com"}, "user"},
		{[]string{"-issuer", issuer, "-audience", ""}, "-audience is empty"},
		{[]string{"-issuer", issuer, "-realm", ""}, "-realm is empty"},
		{[]string{"-issuer", issuer, "-realm", "a\r\nb"}, "Realm"},
		{[]string{"-issuer", issuer, "-realm", "bärer"}, "Realm"},
		{[]string{"-issuer", issuer, "-leeway", "-1s"}, "-leeway"},
		{[]string{"-issuer", issuer, "-leeway", "5m1s"}, "at most 5m|0s to 5m"},
		{[]string{"-issuer", issuer, "-leeway", "5"}, "-leeway"},
		{[]string{"-issuer", issuer, "-refresh-budget", "0s"}, "-refresh-budget"},
		{[]string{"-issuer", issuer, "-refresh-budget", "-1s"}, "-refresh-budget"},
		{[]string{"-issuer", issuer, "-refresh-budget", "often"}, "-refresh-budget"},
		{[]string{"-issuer", issuer, "-cors", ""}, "-cors is empty"},
		{[]string{"-issuer", issuer, "-cors", "*"}, "-cors"},
		{[]string{"-issuer", issuer, "-cors", "null"}, "-cors"},
		{[]string{"-issuer", issuer, "-cors", "app.example.com"}, "-cors"},
		{[]string{"-issuer", issuer, "-cors", "https://*.example.com"}, "-cors"},
		{[]string{"-issuer", issuer, "-cors", "https://app.example.com/"}, "-cors"},
		{[]string{"-issuer", issuer, "-cors", "https://App.example.com"}, "lower case"},
		{[]string{"-issuer", issuer, "-cors", "https://app.example.com:443"}, "default port"},
		{[]string{"-issuer", issuer, "-cors", "https://app.example.com:"}, "default port"},
		{[]string{"-issuer", issuer, "-cors", "https://app.example.com\r\nX: y"}, "-cors"},
		{[]string{"-issuer", issuer, "-query"}, "-query"},
		{[]string{"-issuer", issuer, "-a\nb"}, "-a"},
		{[]string{"-issuer"}, "-issuer"},
		{[]string{"-issuer", issuer, "extra"}, `"extra"`},
		{[]string{"-leeway", "6m", "-framework", "chi"}, "; "},

		{[]string{"-issuer", issuer, "-client-id", ""}, "-client-id is empty"},
		{[]string{"-issuer", issuer, "-client-id", "api"}, "-client-secret, or the environment variable CLIENT_SECRET"},
		{[]string{"-issuer", issuer, "-client-id", "api", "-client-auth", "post"}, "CLIENT_SECRET"},
		{[]string{"-issuer", issuer, "-client-id", "api", "-client-secret", ""}, "-client-secret is empty"},
		{[]string{"-issuer", issuer, "-client-id", "api", "-client-secret", hush, "-client-auth", "tls"}, `"tls"; want one of basic, post, private_key_jwt`},
		{[]string{"-issuer", issuer, "-client-id", "api", "-client-secret", hush, "-client-auth", ""}, "-client-auth is empty"},
		{[]string{"-issuer", issuer, "-client-id", "api", "-client-secret", hush, "-client-key", "key.pem"}, "-client-key with -client-auth basic"},
		{[]string{"-issuer", issuer, "-client-id", "api", "-client-key", "key.pem"}, "-client-key with -client-auth basic"},
		{[]string{"-issuer", issuer, "-client-id", "api", "-client-auth", "private_key_jwt"}, "no -client-key"},
		{[]string{"-issuer", issuer, "-client-id", "api", "-client-auth", "private_key_jwt", "-client-key", ""}, "-client-key is empty"},
		{[]string{"-issuer", issuer, "-client-id", "api", "-client-auth", "private_key_jwt", "-client-key", "key.pem", "-client-secret", hush}, "which has none"},
		{[]string{"-issuer", issuer, "-client-id", "api", "-client-auth", "private_key_jwt", "-client-key", "no/such/key.pem"}, "-client-key: open no/such/key.pem"},
		{[]string{"-issuer", issuer, "-client-id", "api", "-client-auth", "private_key_jwt", "-client-key", "main.go"}, "-client-key: introspect"},
		{[]string{"-issuer", issuer, "-client-secret", hush}, "-client-secret without -client-id"},
		{[]string{"-issuer", issuer, "-client-auth", "basic"}, "-client-auth without -client-id"},
		{[]string{"-issuer", issuer, "-client-key", "key.pem"}, "-client-key without -client-id"},
		{[]string{"-issuer", issuer, "-introspection-endpoint", issuer + "/introspect"}, "-introspection-endpoint without -client-id"},
		{[]string{"-issuer", issuer, "-introspection-endpoint", issuer + "/introspect", "-introspect-all"}, "-introspection-endpoint without -client-id"},
		{[]string{"-issuer", issuer, "-introspection-endpoint", issuer + "/introspect", "-client-id", "api"}, "no secret of the client"},
		{[]string{"-issuer", issuer, "-introspection-endpoint", "http://login.example.com/introspect", "-client-id", "api", "-client-secret", hush}, "-introspection-endpoint: introspect"},
		{[]string{"-issuer", issuer, "-introspection-endpoint", "https://a:" + hush + "@login.example.com", "-client-id", "api", "-client-secret", hush}, "userinfo"},
		{[]string{"-issuer", issuer, "-introspection-endpoint", "", "-client-id", "api", "-client-secret", hush}, "-introspection-endpoint is empty"},
		{[]string{"-introspection-endpoint", issuer + "/introspect", "-client-id", "api", "-client-secret", hush}, "no -issuer"},
		{[]string{"-issuer", issuer, "-introspect-all"}, "-introspect-all without -client-id"},
		{[]string{"-issuer", issuer, "-introspection-max-age", "1m"}, "-introspection-max-age without -client-id"},
		{[]string{"-issuer", issuer, "-profile", "fapi2", "-dpop", "off"}, "-profile fapi2 with -dpop off and -mtls off; want one of them allowed or required"},
		{[]string{"-issuer", issuer, "-redis", "redis://:" + hush + "@127.0.0.1", "-introspect-all"}, "-introspect-all without -client-id"},
		{[]string{"-issuer", issuer, "-redis", "127.0.0.1"}, "-redis: "},
		{[]string{"-issuer", issuer, "-client-id", "api", "-client-secret", hush, "-introspection-max-age", "-1s"}, "-introspection-max-age -1s"},
		{[]string{"-dev", "-introspection-max-age", "-1ns"}, "-introspection-max-age -1ns"},
		{[]string{"-dev", "-introspection-max-age", "1"}, "-introspection-max-age"},
		{[]string{"-dev", "-client-id", "api", "-client-secret", hush}, "-client-id and -dev exclude each other"},
		{[]string{"-dev", "-client-secret", hush}, "-client-secret and -dev exclude each other"},
		{[]string{"-dev", "-introspection-endpoint", issuer + "/introspect"}, "-introspection-endpoint and -dev exclude each other"},
		{[]string{"-dev", "-redis", ""}, "-redis is empty"},
		{[]string{"-dev", "-redis", "127.0.0.1"}, "-redis: "},
		{[]string{"-dev", "-redis", "127.0.0.1:redis"}, "-redis: "},
		{[]string{"-dev", "-redis", "http://:" + hush + "@127.0.0.1:6379"}, "-redis: "},
		{[]string{"-dev", "-redis", "redis://:" + hush + "@"}, "-redis: "},
		{[]string{"-dev", "-redis", "redis://:" + hush + "@host:x"}, "-redis: "},
		{[]string{"-dev", "-redis", "redis://:" + hush + "@host/zero"}, "-redis: "},
		{[]string{"-dev", "-redis", "redis://:" + hush + "@host?a=b"}, "-redis: "},
		{[]string{"-dev", "-redis", "redis://:" + hush + "%zz@host"}, "-redis: "},
		{[]string{"-dev", "-redis", ":" + hush + "@host:6379"}, "-redis: "},
		{[]string{"-dev", "-redis", "redis://host", hush}, "not shown"},
		{[]string{"-issuer", issuer, "-client-id", "api", "-client-secret=", hush}, "not shown"},

		{[]string{"-issuer", issuer, "-dpop", "on"}, `-dpop "on"; want one of off, allowed, required`},
		{[]string{"-issuer", issuer, "-dpop", "Required"}, `-dpop "Required"`},
		{[]string{"-issuer", issuer, "-dpop", ""}, "-dpop is empty"},
		{[]string{"-issuer", issuer, "-dpop-nonce", "allowed"}, `-dpop-nonce "allowed"; want one of off, required`},
		{[]string{"-issuer", issuer, "-dpop-nonce", ""}, "-dpop-nonce is empty"},
		{[]string{"-issuer", issuer, "-dpop-nonce", "required", "-dpop", "off"}, "-dpop-nonce required with -dpop off"},
		{[]string{"-issuer", issuer, "-mtls", "on"}, `-mtls "on"; want one of off, allowed, required`},
		{[]string{"-issuer", issuer, "-mtls", ""}, "-mtls is empty"},
		{[]string{"-issuer", issuer, "-mtls", "allowed"}, "-mtls allowed without -tls-cert and -tls-key"},
		{[]string{"-issuer", issuer, "-mtls", "required"}, "-trusted-proxy"},
		{[]string{"-issuer", issuer, "-mtls", "required", "-tls-cert", "a.pem"}, "-tls-cert without -tls-key"},
		{[]string{"-issuer", issuer, "-tls-key", "a.pem"}, "-tls-key without -tls-cert"},
		{[]string{"-dev", "-mtls", "allowed", "-tls-key", "a.pem"}, "-tls-key without -tls-cert"},
		{[]string{"-issuer", issuer, "-tls-cert", "", "-tls-key", "a.pem"}, "-tls-cert is empty"},
		{[]string{"-issuer", issuer, "-tls-cert", "no/such.pem", "-tls-key", "no/such.pem"}, "-tls-cert and -tls-key: open no/such.pem"},
		{[]string{"-issuer", issuer, "-tls-cert", "main.go", "-tls-key", "main.go"}, "-tls-cert and -tls-key: "},
		{[]string{"-issuer", issuer, "-trusted-proxy", "10.0.0.0/8"}, "-trusted-proxy with -mtls off"},
		{[]string{"-issuer", issuer, "-mtls", "allowed", "-trusted-proxy", ""}, "-trusted-proxy"},
		{[]string{"-issuer", issuer, "-mtls", "allowed", "-trusted-proxy", "proxy"}, `-trusted-proxy "proxy"; want a CIDR`},
		{[]string{"-issuer", issuer, "-mtls", "allowed", "-trusted-proxy", "10.0.0.0/33"}, "want a CIDR"},
		{[]string{"-issuer", issuer, "-mtls", "allowed", "-trusted-proxy", "10.0.0.1", "-trusted-proxy", "0.0.0.0/0"}, `"0.0.0.0/0"; want a smaller network`},
		{[]string{"-issuer", issuer, "-mtls", "allowed", "-trusted-proxy", "::/0"}, `"::/0"; want a smaller network`},
		{[]string{"-issuer", issuer, "-mtls", "allowed", "-trusted-proxy", "::ffff:10.0.0.0/104"}, "IPv4 form"},
		{[]string{"-issuer", issuer, "-mtls", "allowed", "-trusted-proxy", "fe80::1%eth0"}, "want a CIDR"},
		{[]string{"-issuer", issuer, "-profile", "rfc6750"}, `-profile "rfc6750"; want one of rfc9068, fapi2, mcp`},
		{[]string{"-issuer", issuer, "-profile", ""}, "-profile is empty"},
		{[]string{"-issuer", issuer, "-dpop", "on", "-mtls", "on", "-profile", "x"}, `-dpop "on"; want one of off, allowed, required; -mtls "on"; want one of off, allowed, required; -profile "x"`},
		{[]string{"-issuer", issuer, "-resource", "https://api.example.com?a=b"}, "query"},
		{[]string{"-issuer", issuer, "-resource", "https://api.example.com/a/../b"}, ".."},
		{[]string{"-issuer", issuer, "-resource", "https://api.example.com:443"}, "port"},
		{[]string{"-issuer", issuer, "-resource", "https://api.example.com/.well-known/oauth-protected-resource"}, "metadata"},

		{[]string{"proof"}, "no -key; want the file of the private key; no -url"},
		{[]string{"proof", "-key", "main.go", "-url", "https://api.example.com"}, "-key: no private key"},
		{[]string{"proof", "-key", "no/such/dir/key.pem", "-url", "https://api.example.com"}, "-key: open no/such/dir/key.pem"},
		{[]string{"proof", "-key", "KEY", "-url", "api.example.com"}, "-url"},
		{[]string{"proof", "-key", "KEY", "-url", "https://api.example.com", "-method", ""}, "-method is empty"},
		{[]string{"proof", "-key", "KEY", "-url", "https://api.example.com", hush}, "not shown"},
		{[]string{"proof", "-secret", "x"}, "-secret"},
		{[]string{"certificate"}, "no -out"},
		{[]string{"certificate", "-out", ".", "-name", "a/b"}, "-name"},
		{[]string{"certificate", "-out", ".", "-name", ".."}, "-name"},
		{[]string{"-issuer", issuer, "-client-id", "api", "-client-secrets=" + hush}, "-client-secrets"},
	} {
		t.Setenv("CLIENT_SECRET", "")
		for i := range tt.args {
			if tt.args[i] == "KEY" {
				tt.args[i] = key
			}
		}
		isCommand := len(tt.args) > 0 && (tt.args[0] == "proof" || tt.args[0] == "certificate")
		if !isCommand && !strings.Contains(strings.Join(tt.args, " "), "-listen") {
			tt.args = append([]string{"-listen", "127.0.0.1:0"}, tt.args...)
		}
		var stdout, stderr bytes.Buffer
		status := run(tt.args, &stdout, &stderr)
		line := stderr.String()
		found := false
		for want := range strings.SplitSeq(tt.want, "|") {
			found = found || strings.Contains(line, want)
		}
		if status != 2 || !found || stdout.Len() != 0 || !strings.HasPrefix(line, "protectedapi: ") ||
			strings.IndexByte(line, '\n') != len(line)-1 || strings.Contains(line, "\r") || strings.Contains(line, hush) {
			t.Errorf("%q: status %d, %q on standard output, %q on standard error; want 2 and one line with %q",
				tt.args, status, stdout.String(), line, tt.want)
		}
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, arg := range []string{"-h", "-help", "--help"} {
		var stdout, stderr bytes.Buffer
		if status := run([]string{arg}, &stdout, &stderr); status != 0 || stderr.Len() != 0 {
			t.Errorf("%s: status %d, %q on standard error", arg, status, stderr.String())
		}
		for _, name := range []string{
			"listen", "framework", "issuer", "dev", "jwks-uri", "audience", "resource", "realm", "leeway", "refresh-budget", "cors",
			"redis", "dpop", "dpop-nonce", "mtls", "tls-cert", "tls-key", "trusted-proxy", "profile",
		} {
			if !strings.Contains(stdout.String(), "\n  -"+name) {
				t.Errorf("%s: no -%s in\n%s", arg, name, stdout.String())
			}
		}
	}
}

// The environment may contain the secret, instead of the flag.
func TestMistakesOfTheEnvironment(t *testing.T) {
	const (
		issuer = "https://login.example.com"
		hush   = "hush-hush"
	)
	for _, tt := range []struct {
		variable string
		args     []string
		want     string // empty: no mistake
	}{
		{hush, []string{"-issuer", issuer, "-client-id", "api"}, ""},
		{hush, []string{"-issuer", issuer, "-client-id", "api", "-client-auth", "post"}, ""},
		{"", []string{"-issuer", issuer, "-client-id", "api", "-client-secret", hush}, ""},
		{hush, []string{"-issuer", issuer, "-client-id", "api", "-client-secret", hush}, "exclude each other"},
		{hush, []string{"-issuer", issuer, "-client-id", "api", "-client-auth", "private_key_jwt", "-client-key", "key.pem"}, "which has none"},
		{"", []string{"-issuer", issuer, "-client-id", "api"}, "CLIENT_SECRET"},
		{hush, []string{"-issuer", issuer, "-introspection-endpoint", issuer + "/introspect"}, "without -client-id"},
		// The variable may belong to another program.
		{hush, []string{"-issuer", issuer}, ""},
		{hush, []string{"-dev"}, ""},
	} {
		t.Setenv("CLIENT_SECRET", tt.variable)
		c, err := parseFlags(tt.args, &bytes.Buffer{})
		switch {
		case err == nil && tt.want == "":
			if c.introspection.ClientID != "" && c.introspection.Secret != hush {
				t.Errorf("%q, %q: the secret is %q", tt.variable, tt.args, c.introspection.Secret)
			}
		case err == nil || tt.want == "" || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), hush):
			t.Errorf("%q, %q: %v; want %q", tt.variable, tt.args, err, tt.want)
		}
	}
}

// A port in use is not a mistake on the command line.
func TestPortInUse(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var stdout, stderr bytes.Buffer
	status := run([]string{"-listen", listener.Addr().String(), "-issuer", "https://login.example.com"}, &stdout, &stderr)
	if status != 1 || stdout.Len() != 0 || strings.Count(stderr.String(), "\n") != 1 {
		t.Errorf("status %d, %q, %q", status, stdout.String(), stderr.String())
	}
}

func TestResourceAndAudience(t *testing.T) {
	t.Parallel()
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8081}
	for _, tt := range []struct {
		args                       []string
		origin, resource, audience string
	}{
		{nil, "http://127.0.0.1:8081", "http://127.0.0.1:8081", "http://127.0.0.1:8081"},
		{[]string{"-listen", "localhost:0"}, "http://localhost:8081", "http://localhost:8081", "http://localhost:8081"},
		{[]string{"-resource", "https://api.example.com"}, "http://127.0.0.1:8081", "https://api.example.com", "https://api.example.com"},
		{[]string{"-audience", "orders"}, "http://127.0.0.1:8081", "http://127.0.0.1:8081", "orders"},
		{[]string{"-listen", ":0", "-resource", "http://localhost:1"}, "http://127.0.0.1:8081", "http://localhost:1", "http://localhost:1"},
		{[]string{"-listen", "[::1]:0"}, "http://[::1]:8081", "http://[::1]:8081", "http://[::1]:8081"},
		{[]string{"-listen", "LOCALHOST:0"}, "http://LOCALHOST:8081", "http://localhost:8081", "http://localhost:8081"},
		{[]string{"-resource", "https://API.example.com/V1"}, "http://127.0.0.1:8081", "https://api.example.com/V1", "https://api.example.com/V1"},
		{[]string{"-tls-cert", "a", "-tls-key", "b"}, "https://127.0.0.1:8081", "https://127.0.0.1:8081", "https://127.0.0.1:8081"},
		{[]string{"-mtls", "required", "-tls-cert", "a", "-tls-key", "b"}, "https://127.0.0.1:8081", "https://127.0.0.1:8081", "https://127.0.0.1:8081"},
		{[]string{"-mtls", "required", "-trusted-proxy", "10.0.0.0/8"}, "http://127.0.0.1:8081", "http://127.0.0.1:8081", "http://127.0.0.1:8081"},
	} {
		c, err := parseFlags(append([]string{"-issuer", "https://login.example.com"}, tt.args...), &bytes.Buffer{})
		if err != nil {
			t.Errorf("%q: %v", tt.args, err)
			continue
		}
		if origin := c.complete(addr); origin != tt.origin || c.resource != tt.resource || c.audience != tt.audience {
			t.Errorf("%q: origin %s, resource %s, audience %s", tt.args, origin, c.resource, c.audience)
		}
	}
	// Clients leave out the default port, and compare URLs as strings.
	for port, args := range map[int][]string{80: nil, 443: {"-tls-cert", "a", "-tls-key", "b"}} {
		c, err := parseFlags(append([]string{"-issuer", "https://login.example.com"}, args...), &bytes.Buffer{})
		if err != nil {
			t.Fatal(err)
		}
		c.complete(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if strings.Count(c.resource, ":") != 1 {
			t.Errorf("port %d: resource %s", port, c.resource)
		}
	}
}

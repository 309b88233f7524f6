package main

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// Reports L19: the program reports all mistakes in one line, including those that
// only a constructor or a file reveals.
func TestAllMistakesAreReportedAtOnce(t *testing.T) {
	const hush = "hush-hush"
	t.Setenv("CLIENT_SECRET", "")
	tests := []struct {
		args []string
		want []string
	}{
		{[]string{
			"-issuer", "http://login.microsoftonline.com/{tenantid}/v2.0", "-redis", "redis://:" + hush + "@127.0.0.1:0", "-realm", "bärer",
			"-framework", "chi", "-leeway", "6m", "-audience", "a b", "-client-id", "api", "-client-auth", "private_key_jwt",
			"-client-key", "no/such.pem", "-tls-cert", "no/such.crt", "-tls-key", "no/such.key", "-profile", "fapi2", "-dpop", "off",
			"-cors", "*", "-resource", "https://a:" + hush + "@api.example.com", "-listen", "",
		}, []string{
			`-framework "chi"; want one of`, "-leeway 6m0s; want", `-cors "*"; want`, "-profile fapi2 with -dpop off", "-listen is empty",
			"-resource (not shown, since it may hold a password); want no user information",
			"-redis: bearerredis: Config.Address: want a port", "-tls-cert and -tls-key: open no/such.crt", "-client-key: open no/such.pem",
			`-issuer and -audience: jwks: Config.Issuers[0]: URL: contains the placeholder "{tenantid}"; replace it with the real value`,
			`the scheme "http", want https`, `Audience[0] "a b": contains white space`, `-realm: bearer: Config.Realm "bärer"`,
		}},
		{[]string{"-redis", "127.0.0.1"}, []string{"no -issuer", "-redis: bearerredis: Config.Address: want"}},
		{[]string{"-dev", "-redis", "127.0.0.1", "-dpop", "on", "-client-id", "api"}, []string{"-redis: ", `-dpop "on"`, "-client-id and -dev exclude"}},
		{[]string{
			"-issuer", "https://login.example.com", "-client-id", "api", "-client-secret", hush, "-introspection-endpoint", "https://YOUR_DOMAIN/introspect",
			"-listen", ":0", "-mtls", "allowed",
		}, []string{"no -resource", "-mtls allowed without", `-introspection-endpoint: introspect: Config.Endpoint: contains the placeholder "YOUR_DOMAIN"`}},
	}
	for _, tt := range tests {
		var stdout, stderr bytes.Buffer
		status := run(tt.args, &stdout, &stderr)
		line := stderr.String()
		if status != exitUsage || stdout.Len() != 0 || strings.Count(line, "\n") != 1 || strings.Contains(line, hush) {
			t.Errorf("%q: status %d, %q, %q", tt.args, status, stdout.String(), line)
		}
		for _, want := range tt.want {
			if strings.Count(line, want) != 1 {
				t.Errorf("%q: want %q once in %s", tt.args, want, line)
			}
		}
	}
}

// The search for mistakes contacts neither the issuer nor Redis.
func TestTrySendsNothing(t *testing.T) {
	t.Parallel()
	redis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{}, 1)
	go func() {
		defer close(asked)
		if conn, err := redis.Accept(); err == nil {
			_ = conn.Close()
			asked <- struct{}{}
		}
	}()
	issuer := newIssuer(t)
	c, err := parseFlags(asks(issuer, "-redis", redis.Addr().String(), "-framework", "echo"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.try(); err != nil {
		t.Error(err)
	}
	time.AfterFunc(100*time.Millisecond, func() { _ = redis.Close() })
	if _, was := <-asked; was {
		t.Error("Redis was asked")
	}
	for _, e := range []bearertest.Endpoint{bearertest.OAuthMetadata, bearertest.OIDCMetadata, bearertest.JWKS, bearertest.IntrospectionEndpoint} {
		if n := issuer.Requests(e); n != 0 {
			t.Errorf("%s was asked %d times", e, n)
		}
	}
}

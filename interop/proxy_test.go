package interop_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// terminator is a proxy that terminates TLS and passes the client certificate on.
type terminator struct {
	program string
	from    bearer.CertificateField
	header  string                          // the field, for forged requests
	forged  func(*clientCertificate) string // the field's value as the proxy would set it
	lines   string                          // the configuration that docs/bound-tokens.md shows
	start   func(t *testing.T, lines, certificate, key string) (address string)
}

var terminators = []terminator{
	{
		program: "nginx", header: "X-Client-Cert", from: bearer.CertificateFromNginx("X-Client-Cert"),
		forged: func(c *clientCertificate) string {
			return url.PathEscape(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.der})))
		},
		lines: "ssl_verify_client optional_no_ca;\n" +
			"proxy_set_header X-Client-Cert $ssl_client_escaped_cert;\n" +
			"proxy_pass http://127.0.0.1:8080;\n",
		start: startNginx,
	},
	{
		program: "haproxy", header: "X-Client-Cert", from: bearer.CertificateFromHAProxy("X-Client-Cert"),
		forged: func(c *clientCertificate) string { return base64.StdEncoding.EncodeToString(c.der) },
		lines: "http-request del-header X-Client-Cert\n" +
			"http-request set-header X-Client-Cert %[ssl_c_der,base64] if { ssl_c_used }\n" +
			"server api 127.0.0.1:8080\n",
		start: startHAProxy,
	},
}

// RFC 8705, Section 3, behind real proxies; checklist M1 and M4.
func TestProxiesPassCertificatesOn(t *testing.T) {
	page, err := os.ReadFile("../docs/bound-tokens.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range terminators {
		t.Run(p.program, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(string(page), "\n"+p.lines+"```\n") {
				t.Errorf("docs/bound-tokens.md does not show the lines that this test runs:\n%s", p.lines)
			}
			needProxy(t, p.program)
			testTerminator(t, p)
		})
	}
}

func testTerminator(t *testing.T, p terminator) {
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	const audience = "https://api.example.com"
	a := &api{events: make(map[string]bearer.Event)}
	if a.verifier, err = jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{audience}}}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.verifier.Close)
	guard := a.guard(t, bearer.Config{
		Verifiers:    []bearer.Verifier{a.verifier},
		Certificates: &bearer.Certificates{TrustedProxy: netip.Addr.IsLoopback, From: p.from},
	})
	server := httptest.NewServer(bearerhttp.Require(guard, scope.None)(http.HandlerFunc(showPrincipal)))
	t.Cleanup(server.Close)

	mine, another, own := newClientCertificate(t), newClientCertificate(t), newServerCertificate(t)
	address := p.start(t, strings.Replace(p.lines, "127.0.0.1:8080", server.Listener.Addr().String(), 1), own.cert, own.key)

	mint := func(claims map[string]any) string {
		return issuer.Mint(bearertest.Token{Audience: []string{audience}, Claims: claims})
	}
	bound, free := mint(map[string]any{"cnf": map[string]any{"x5t#S256": mine.thumbprint}}), mint(nil)
	forged := http.Header{p.header: {p.forged(mine)}}
	twice := http.Header{p.header: {p.forged(mine), p.forged(mine)}}
	alias := http.Header{strings.ReplaceAll(p.header, "-", "_"): {p.forged(mine)}}
	tests := []struct {
		name   string
		cert   *clientCertificate
		token  string
		header http.Header
		status int
	}{
		{"its certificate", mine, bound, nil, 200},
		{"another's certificate", another, bound, nil, 401},
		{"no certificate", nil, bound, nil, 401},
		{"no certificate, the field sent by the client", nil, bound, forged, 401},
		{"no certificate, two fields sent by the client", nil, bound, twice, 401},
		{"no certificate, the field in another spelling", nil, bound, alias, 401},
		{"another's certificate, the field sent by the client", another, bound, forged, 401},
		{"another's certificate, the field in another spelling", another, bound, alias, 401},
		{"its certificate, the field sent by the client", mine, bound, forged, 200},
		{"a token that is not bound", nil, free, nil, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, body := askThrough(t, address, own, tt.cert, tt.token, tt.header)
			if status != tt.status {
				t.Fatalf("%d %s; want %d", status, body, tt.status)
			}
			if tt.status == 401 {
				if event := a.refusal(t, body); event.Check != "client certificate" {
					t.Errorf("refused by %q, got %q", event.Check, event.Got)
				}
			}
		})
	}
}

// askThrough sends a request through a proxy, with an optional client certificate.
func askThrough(t *testing.T, address string, server, client *clientCertificate, token string, header http.Header) (int, []byte) {
	t.Helper()
	roots := x509.NewCertPool()
	certificate, err := x509.ParseCertificate(server.der)
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(certificate)
	config := &tls.Config{RootCAs: roots, ServerName: "localhost"}
	if client != nil {
		pair, err := tls.LoadX509KeyPair(client.cert, client.key)
		if err != nil {
			t.Fatal(err)
		}
		// The proxies name no authority that has issued the certificate.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("https://%s/me", address), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}

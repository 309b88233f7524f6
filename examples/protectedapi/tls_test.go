package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/binding"
	"github.com/bearerkit/bearerkit/internal/credential"
)

func makeCertificate(t *testing.T, name string, hosts ...string) *credential.Certificate {
	t.Helper()
	c, err := credential.NewCertificate(t.TempDir(), name, hosts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sendTLS is send over TLS to a server with a certificate, with the client's
// certificate unless that is nil.
func sendTLS(t *testing.T, server, client *credential.Certificate, url, request string) answer {
	t.Helper()
	leaf, err := x509.ParseCertificate(server.DER)
	if err != nil {
		t.Fatal(err)
	}
	c := &tls.Config{RootCAs: x509.NewCertPool()}
	c.RootCAs.AddCert(leaf)
	if client != nil {
		c.Certificates = []tls.Certificate{client.TLS()}
	}
	conn, err := tls.Dial("tcp", strings.TrimPrefix(url, "https://"), c)
	if err != nil {
		t.Fatal(err)
	}
	return sendOn(t, conn, url, request)
}

// sendFrom is send from an address of this machine.
func sendFrom(t *testing.T, address, url, request string) answer {
	t.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	conn, err := dialer.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	return sendOn(t, conn, url, request)
}

// RFC 8705, Section 3: a bound token is good only with its certificate.
func TestCertificates(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	server := makeCertificate(t, "server", "127.0.0.1")
	mine, another := makeCertificate(t, "client"), makeCertificate(t, "client")
	key := newHolder(t)
	const request, scope = "GET /orders", "orders:read"
	mint := func(cnf map[string]any) string {
		return issuer.Mint(bearertest.Token{Scope: scope, Claims: map[string]any{"cnf": cnf}})
	}
	jkt := key.cnf()["cnf"].(map[string]any)["jkt"]
	bound := mint(map[string]any{"x5t#S256": mine.Thumbprint()})
	both := mint(map[string]any{"x5t#S256": mine.Thumbprint(), "jkt": jkt})
	toKey := mint(map[string]any{"jkt": jkt})
	free := issuer.Mint(bearertest.Token{Scope: scope})
	opaque := issuer.MintOpaque(bearertest.Token{Scope: scope, Claims: map[string]any{"cnf": map[string]any{"x5t#S256": mine.Thumbprint()}}})

	_, missing := missing(scope)
	_, bad := invalidToken(scope)
	badDPoP := bearerChallenge("", scope) + " | " + dpopChallenge("invalid_token", scope)
	forged := "\nClient-Cert: :" + base64.StdEncoding.EncodeToString(mine.DER) + ":"
	for i, mode := range binding.Modes() {
		t.Run(mode, func(t *testing.T) {
			p := startProcess(t, asks(issuer, "-framework", frameworks[i], "-mtls", mode, "-tls-cert", server.File, "-tls-key", server.KeyFile)...)
			if !strings.HasPrefix(p.url, "https://") {
				t.Fatalf("listening on %s", p.url)
			}
			proof := func(token string) string {
				return dpopScheme + token + key.proof(p.url, request, token, "")
			}
			eventually(t, patience, "ready", func() bool { return sendTLS(t, server, nil, p.url, "GET /readyz").status == 200 })
			for _, tt := range []struct {
				name      string
				cert      *credential.Certificate
				fields    string
				challenge map[string]string // by mode; missing: 200
			}{
				{"no credentials", nil, "", map[string]string{off: missing, allowed: missing, required: missing}},
				{"a certificate alone", mine, "", map[string]string{off: missing, allowed: missing, required: missing}},
				{"its certificate", mine, bearerScheme + bound, map[string]string{off: bad}},
				{"its certificate, opaque", mine, bearerScheme + opaque, map[string]string{off: bad}},
				{"no certificate", nil, bearerScheme + bound, map[string]string{off: bad, allowed: bad, required: bad}},
				{"no certificate, opaque", nil, bearerScheme + opaque, map[string]string{off: bad, allowed: bad, required: bad}},
				{"another certificate", another, bearerScheme + bound, map[string]string{off: bad, allowed: bad, required: bad}},
				{"a field in place of a certificate", nil, bearerScheme + bound + forged, map[string]string{off: bad, allowed: bad, required: bad}},
				{"a field beside another certificate", another, bearerScheme + bound + forged, map[string]string{off: bad, allowed: bad, required: bad}},
				{"not bound", nil, bearerScheme + free, map[string]string{required: bad}},
				{"not bound, with a certificate", mine, bearerScheme + free, map[string]string{required: bad}},
				{"bound to a key", nil, proof(toKey), map[string]string{required: badDPoP}},
				{"bound to both, with both", mine, proof(both), map[string]string{off: badDPoP}},
				{"bound to both, without the certificate", nil, proof(both), map[string]string{off: badDPoP, allowed: badDPoP, required: badDPoP}},
				{"bound to both, without the proof", mine, bearerScheme + both, map[string]string{off: bad, allowed: bad, required: bad}},
			} {
				got := sendTLS(t, server, tt.cert, p.url, request+tt.fields)
				want := 401
				if tt.challenge[mode] == "" {
					want = 200
				}
				if got.status != want || got.challenges(p.url) != tt.challenge[mode] {
					t.Errorf("%s: %d %s\nwant %d %s", tt.name, got.status, got.challenges(p.url), want, tt.challenge[mode])
				}
			}
			if got := sendTLS(t, server, nil, p.url, "GET /public"); got.status != 200 {
				t.Errorf("a public route without a certificate: %+v", got)
			}
		})
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	server := makeCertificate(t, "server", "127.0.0.1")
	token := issuer.Mint(bearertest.Token{})
	for _, mode := range []string{off, allowed} {
		url := start(t, "-issuer", issuer.URL(), "-audience", audience, "-mtls", mode, "-tls-cert", server.File, "-tls-key", server.KeyFile)
		addr := strings.TrimPrefix(url, "https://")
		for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12, tls.VersionTLS13} {
			asked := false
			conn, err := tls.Dial("tcp", addr, &tls.Config{
				InsecureSkipVerify: true, MinVersion: version, MaxVersion: version,
				GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					asked = true
					return &tls.Certificate{}, nil
				},
			})
			if err == nil {
				_ = conn.Close()
			}
			if modern := version >= tls.VersionTLS12; (err == nil) != modern || asked != (modern && mode != off) {
				t.Errorf("-mtls %s, %s: %v, asked for a certificate %v", mode, tls.VersionName(version), err, asked)
			}
		}
		for _, h2 := range []bool{false, true} {
			transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: h2}
			r, err := http.NewRequest(http.MethodGet, url+"/me", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+token)
			response, err := transport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			transport.CloseIdleConnections()
			if response.StatusCode != 200 || (response.ProtoMajor == 2) != h2 {
				t.Errorf("-mtls %s: %s %s", mode, response.Proto, response.Status)
			}
		}
	}
}

// RFC 9440: the program believes the Client-Cert field of a trusted proxy only.
func TestTrustedProxies(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	mine, another := makeCertificate(t, "client"), makeCertificate(t, "client")
	bound := issuer.Mint(bearertest.Token{Scope: "orders:read", Claims: map[string]any{"cnf": map[string]any{"x5t#S256": mine.Thumbprint()}}})
	free := issuer.Mint(bearertest.Token{Scope: "orders:read"})
	field := func(c *credential.Certificate) string {
		return "\nClient-Cert: :" + base64.StdEncoding.EncodeToString(c.DER) + ":"
	}
	_, refused := invalidToken("orders:read")
	type test struct {
		mode, proxies, from string
		trusted             bool
	}
	tests := []test{
		{allowed, "127.0.0.1", "127.0.0.1", true},
		{allowed, "127.0.0.1/32", "127.0.0.1", true},
		{required, "10.0.0.0/8 127.0.0.0/30", "127.0.0.1", true},
		{allowed, "192.0.2.0/24", "127.0.0.1", false},
		{required, "10.0.0.0/8", "127.0.0.1", false},
		{allowed, "::1", "127.0.0.1", false},
	}
	if runtime.GOOS == "linux" { // all of 127.0.0.0/8 is loopback there
		tests = append(tests, test{allowed, "127.0.0.2/32", "127.0.0.2", true}, test{allowed, "127.0.0.2/31", "127.0.0.4", false},
			test{required, "127.0.0.2/31", "127.0.0.3", true}, test{required, "127.0.0.2/32", "127.0.0.1", false})
	}
	for i, tt := range tests {
		t.Run(tt.mode+" "+tt.proxies+" from "+tt.from, func(t *testing.T) {
			args := asks(issuer, "-framework", frameworks[i%3], "-mtls", tt.mode)
			for proxy := range strings.FieldsSeq(tt.proxies) {
				args = append(args, "-trusted-proxy", proxy)
			}
			p := startProcess(t, args...)
			if !strings.HasPrefix(p.url, "http://") { // the proxy ends TLS
				t.Fatalf("listening on %s", p.url)
			}
			eventually(t, patience, "ready", func() bool { return send(t, p.url, "GET /readyz").status == 200 })
			for name, request := range map[string]struct {
				fields string
				good   bool
			}{
				"its certificate":    {bearerScheme + bound + field(mine), tt.trusted},
				"another":            {bearerScheme + bound + field(another), false},
				"none":               {bearerScheme + bound, false},
				"two":                {bearerScheme + bound + field(another) + field(mine), false},
				"two, its own first": {bearerScheme + bound + field(mine) + field(another), false},
				"no Byte Sequence":   {bearerScheme + bound + "\nClient-Cert: " + base64.StdEncoding.EncodeToString(mine.DER), false},
				"another spelling":   {bearerScheme + bound + field(mine) + "\nClient_Cert: x", false},
				"not bound":          {bearerScheme + free, tt.mode == allowed},
				"not bound, a field": {bearerScheme + free + field(mine), tt.mode == allowed},
			} {
				got := sendFrom(t, tt.from, p.url, "GET /orders"+request.fields)
				want, challenge := 401, refused
				if request.good {
					want, challenge = 200, ""
				}
				if got.status != want || got.challenges(p.url) != challenge {
					t.Errorf("%s: %d %s; want %d %s", name, got.status, got.challenges(p.url), want, challenge)
				}
			}
		})
	}
}

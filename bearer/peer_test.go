package bearer_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// RFC 8705, Section 3; checklist M4: the client of a Unix socket is never a trusted
// proxy, even if it names its own socket like one. It cannot have a FailureLimit of
// its own by such a name, either.
func TestUnixSocketNamedLikeAProxy(t *testing.T) {
	t.Chdir(t.TempDir()) // the names of both sockets are relative
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(certificate)
	asked := func(peer netip.Addr) bool {
		t.Errorf("TrustedProxy(%v)", peer)
		return true
	}
	guard, err := bearer.New(bearer.Config{
		Certificates: &bearer.Certificates{TrustedProxy: asked},
		FailureLimit: &bearer.FailureLimit{Burst: 2, Every: time.Hour, TrustedProxy: asked},
		Verifiers: []bearer.Verifier{bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) {
			return &bearer.Principal{Subject: "alice", Confirmation: bearer.Confirmation{X5TS256: base64.RawURLEncoding.EncodeToString(sum[:])}}, nil
		})},
	})
	if err != nil {
		t.Fatal(err)
	}
	const path = "s"
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(bearerhttp.Require(guard, scope.None)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the handler ran")
	})))
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	defer server.Close()
	for _, tt := range []struct {
		socket string
		want   int
	}{{"10.0.0.5:443", 401}, {"10.0.0.6:443", 401}, {"10.0.0.7:443", 429}} {
		dialer := &net.Dialer{LocalAddr: &net.UnixAddr{Name: tt.socket, Net: "unix"}}
		transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dialer.DialContext(ctx, "unix", path) }}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer bound")
		r.Header.Set("Client-Cert", ":"+base64.StdEncoding.EncodeToString(certificate)+":")
		r.Header.Set("X-Forwarded-For", tt.socket)
		res, err := (&http.Client{Transport: transport}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		transport.CloseIdleConnections()
		if res.StatusCode != tt.want {
			t.Errorf("%s: %d, want %d", tt.socket, res.StatusCode, tt.want)
		}
	}
}

// A client of a TCP socket has an address, also at a real server.
func TestPeerOfATCPConnection(t *testing.T) {
	var asked []netip.Addr
	guard, err := bearer.New(bearer.Config{
		FailureLimit: &bearer.FailureLimit{TrustedProxy: func(peer netip.Addr) bool {
			asked = append(asked, peer)
			return false
		}},
		Verifiers: []bearer.Verifier{bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) {
			return nil, bearer.Invalid("token", "a known one", "another")
		})},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(bearerhttp.Require(guard, scope.None)(http.NotFoundHandler()))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer bad")
	r.Header.Set("X-Forwarded-For", "192.0.2.1")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	server.Close()
	if len(asked) == 0 || asked[0] != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("TrustedProxy is asked about %v", asked)
	}
}

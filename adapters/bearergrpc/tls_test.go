package bearergrpc_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/bearerkit/bearerkit/adapters/bearergrpc"
	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// newCertificate returns a self-signed certificate for loopback (RFC 8705, Section
// 2.2).
func newCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// boundTo returns a guard whose token "bound" is bound to the certificate.
func boundTo(t *testing.T, certificate tls.Certificate, c *bearer.Certificates) *bearer.Guard {
	sum := sha256.Sum256(certificate.Leaf.Raw)
	bound := &bearer.Principal{Subject: "alice", Confirmation: bearer.Confirmation{X5TS256: base64.RawURLEncoding.EncodeToString(sum[:])}}
	return newGuard(t, bearer.Config{Certificates: c, Verifiers: []bearer.Verifier{bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) {
		return bound, nil
	})}})
}

// RFC 8705, Section 3; checklist M1: the certificate of the connection must be the
// one that the token is bound to.
func TestClientCertificates(t *testing.T) {
	own, mine, another := newCertificate(t), newCertificate(t), newCertificate(t)
	roots := x509.NewCertPool()
	roots.AddCert(own.Leaf)
	i := newInterceptors(t, bearergrpc.Config{Guard: boundTo(t, mine, &bearer.Certificates{}), Methods: allMethods(bearer.RouteConfig{Rule: scope.None})})
	for name, tt := range map[string]struct {
		certificates []tls.Certificate
		want         codes.Code
	}{
		"its certificate":     {[]tls.Certificate{mine}, codes.OK},
		"another certificate": {[]tls.Certificate{another}, codes.Unauthenticated},
		"no certificate":      {nil, codes.Unauthenticated},
	} {
		t.Run(name, func(t *testing.T) {
			client := serve(t, i,
				[]grpc.ServerOption{grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{own}, ClientAuth: tls.RequestClientCert}))},
				grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: roots, Certificates: tt.certificates})))
			for method, call := range callers {
				header, _, err := call(withAuthorization(t, "Bearer bound"), client)
				if status.Code(err) != tt.want {
					t.Errorf("%s: %v, want %v", method, err, tt.want)
				}
				const challenge = `Bearer realm="api", error="invalid_token", error_description="The access token is invalid."`
				if tt.want != codes.OK && !slices.Equal(header["www-authenticate"], []string{challenge}) {
					t.Errorf("%s: %v", method, header)
				}
			}
		})
	}
	t.Run("no TLS", func(t *testing.T) {
		if _, _, err := callers[unaryMethod](withAuthorization(t, "Bearer bound"), serve(t, i, nil)); status.Code(err) != codes.Unauthenticated {
			t.Errorf("%v", err)
		}
	})
}

// RFC 9440, RFC 9700, Section 4.13; checklist M4, 2.7: the certificate in metadata
// counts only if a trusted proxy sends it.
func TestCertificatesInMetadata(t *testing.T) {
	mine := newCertificate(t)
	field := ":" + base64.StdEncoding.EncodeToString(mine.Leaf.Raw) + ":"
	for name, tt := range map[string]struct {
		trusted bool
		fields  []string
		want    codes.Code
	}{
		"a trusted proxy":              {true, []string{"client-cert", field}, codes.OK},
		"a trusted proxy, two values":  {true, []string{"client-cert", field, "client-cert", field}, codes.Unauthenticated},
		"a trusted proxy, another key": {true, []string{"client_cert", field}, codes.Unauthenticated},
		"any client":                   {false, []string{"client-cert", field}, codes.Unauthenticated},
	} {
		t.Run(name, func(t *testing.T) {
			guard := boundTo(t, mine, &bearer.Certificates{TrustedProxy: func(netip.Addr) bool { return tt.trusted }})
			client := serve(t, newInterceptors(t, bearergrpc.Config{Guard: guard, Methods: allMethods(bearer.RouteConfig{Rule: scope.None})}), nil)
			_, _, err := callers[unaryMethod](metadata.AppendToOutgoingContext(withAuthorization(t, "Bearer bound"), tt.fields...), client)
			if status.Code(err) != tt.want {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

// A gRPC server may be the handler of an http.Server.
func TestBehindNetHTTP(t *testing.T) {
	mine := newCertificate(t)
	i := newInterceptors(t, bearergrpc.Config{Guard: boundTo(t, mine, &bearer.Certificates{}), Methods: allMethods(bearer.RouteConfig{Rule: scope.None})})
	server := grpc.NewServer(grpc.ChainUnaryInterceptor(i.UnaryInterceptor()), grpc.ChainStreamInterceptor(i.StreamInterceptor()))
	pb.RegisterTestServiceServer(server, service{})
	s := httptest.NewUnstartedServer(http.HandlerFunc(server.ServeHTTP))
	s.EnableHTTP2 = true
	s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	s.StartTLS()
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	for want, certificates := range map[codes.Code][]tls.Certificate{codes.OK: {mine}, codes.Unauthenticated: nil} {
		conn, err := grpc.NewClient(s.Listener.Addr().String(), grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: roots, Certificates: certificates})))
		if err != nil {
			t.Fatal(err)
		}
		for method, call := range callers {
			header, _, err := call(withAuthorization(t, "Bearer bound"), pb.NewTestServiceClient(conn))
			if status.Code(err) != want || (header["www-authenticate"] != nil) != (want != codes.OK) {
				t.Errorf("%s: %v %v, want %v", method, err, header, want)
			}
		}
		_ = conn.Close()
	}
}

// Checklist C21: the guard judges a call once, even if it also guards the handler
// of the whole server.
func TestGuardedTwice(t *testing.T) {
	asked := 0
	guard := newGuard(t, bearer.Config{Verifiers: []bearer.Verifier{bearer.VerifierFunc(func(ctx context.Context, token string) (*bearer.Principal, error) {
		asked++
		return verifier(ctx, token)
	})}})
	i := newInterceptors(t, bearergrpc.Config{Guard: guard, Methods: allMethods(bearer.RouteConfig{Rule: scope.All("orders:read")})})
	server := grpc.NewServer(grpc.ChainUnaryInterceptor(i.UnaryInterceptor()), grpc.ChainStreamInterceptor(i.StreamInterceptor()))
	pb.RegisterTestServiceServer(server, service{})
	s := httptest.NewUnstartedServer(bearerhttp.Require(guard, scope.None)(http.HandlerFunc(server.ServeHTTP)))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	conn, err := grpc.NewClient(s.Listener.Addr().String(), grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: roots})))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for token, want := range map[string]codes.Code{"Bearer good": codes.OK, "Bearer poor": codes.PermissionDenied} {
		for method, call := range callers {
			asked = 0
			header, _, err := call(withAuthorization(t, token), pb.NewTestServiceClient(conn))
			if status.Code(err) != want || asked != 1 || want == codes.OK && !slices.Equal(header["subject"], []string{"alice"}) {
				t.Errorf("%s: %v %v after %d questions", method, err, header, asked)
			}
		}
	}
}

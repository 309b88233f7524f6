package main

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http/httptest"
	"testing"

	"golang.org/x/oauth2/clientcredentials"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/credentials/oauth"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// The client of docs/grpc.md: a TokenSource of golang.org/x/oauth2, which sends
// tokens over TLS alone.
func TestClientWithTokenSource(t *testing.T) {
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{Audience: []string{audience}})
	if err != nil {
		t.Fatal(err)
	}
	defer issuer.Close()
	certificates := httptest.NewTLSServer(nil) // for its certificate
	defer certificates.Close()
	address := listen(t, issuer.URL(), credentials.NewServerTLSFromCert(&certificates.TLS.Certificates[0]))

	roots := x509.NewCertPool()
	roots.AddCert(certificates.Certificate())
	tokens := clientcredentials.Config{ClientID: "app", TokenURL: issuer.URL() + "/token", Scopes: []string{"orders:read"}}
	conn, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: roots})),
		grpc.WithPerRPCCredentials(oauth.TokenSource{TokenSource: tokens.TokenSource(t.Context())}),
	)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var response wrapperspb.StringValue
	if err := conn.Invoke(t.Context(), countMethod, &emptypb.Empty{}, &response); err != nil || response.GetValue() != "seven orders, for app" {
		t.Errorf("%q %v", response.GetValue(), err)
	}
	if err := conn.Invoke(t.Context(), deleteMethod, &emptypb.Empty{}, &response); status.Code(err) != codes.PermissionDenied {
		t.Errorf("%v", err)
	}
	if _, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithPerRPCCredentials(oauth.TokenSource{TokenSource: tokens.TokenSource(t.Context())})); err == nil {
		t.Error("the client sends tokens without TLS")
	}
}

// listen serves the API on loopback, and returns its address.
func listen(t *testing.T, issuer string, security credentials.TransportCredentials) string {
	t.Helper()
	server, err := newServer(issuer, security)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

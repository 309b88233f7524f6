package bearergrpc_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/bearerkit/bearerkit/adapters/bearergrpc"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// RFC 8705, Section 3; checklist M4: a peer without an IP address is never a trusted
// proxy, even if the client names its socket like one. All such peers share one
// FailureLimit.
func TestPeerWithoutAnIPAddress(t *testing.T) {
	const trusted = "10.0.0.5:443"
	for name, listen := range map[string]func(*testing.T) (net.Listener, func(context.Context) (net.Conn, error)){
		"a Unix socket without a name": func(t *testing.T) (net.Listener, func(context.Context) (net.Conn, error)) {
			return listenUnix(t, nil)
		},
		"a Unix socket with the name of an address": func(t *testing.T) (net.Listener, func(context.Context) (net.Conn, error)) {
			return listenUnix(t, &net.UnixAddr{Name: trusted, Net: "unix"})
		},
		"memory": func(*testing.T) (net.Listener, func(context.Context) (net.Conn, error)) {
			l := bufconn.Listen(1 << 16)
			return l, l.DialContext
		},
	} {
		t.Run(name, func(t *testing.T) {
			mine := newCertificate(t)
			asked := func(peer netip.Addr) bool {
				t.Errorf("TrustedProxy(%v)", peer)
				return true
			}
			var seen []string
			bound := boundTo(t, mine, &bearer.Certificates{TrustedProxy: asked})
			limited := newGuard(t, bearer.Config{
				FailureLimit: &bearer.FailureLimit{Burst: 1, Every: time.Hour, TrustedProxy: asked},
				OnRefusal:    func(_ *http.Request, e bearer.Event) { seen = append(seen, e.RemoteAddr) },
			})
			call := func(guard *bearer.Guard, pairs ...string) error {
				listener, dial := listen(t)
				i := newInterceptors(t, bearergrpc.Config{Guard: guard, Methods: allMethods(bearer.RouteConfig{Rule: scope.None})})
				client := serveOn(t, i, listener, grpc.WithTransportCredentials(insecure.NewCredentials()),
					grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return dial(ctx) }))
				_, _, err := callers[unaryMethod](metadata.AppendToOutgoingContext(withAuthorization(t), pairs...), client)
				return err
			}
			field := ":" + base64.StdEncoding.EncodeToString(mine.Leaf.Raw) + ":"
			if err := call(bound, "authorization", "Bearer bound", "client-cert", field); status.Code(err) != codes.Unauthenticated {
				t.Errorf("a certificate in metadata: %v", err)
			}
			for _, want := range []codes.Code{codes.Unauthenticated, codes.ResourceExhausted} {
				if err := call(limited, "authorization", "Bearer forged", "x-forwarded-for", "192.0.2.1"); status.Code(err) != want {
					t.Errorf("%v, want %v", err, want)
				}
			}
			for _, address := range seen {
				if _, err := netip.ParseAddrPort(address); err == nil || address == "" {
					t.Errorf("remote address %q", address)
				}
			}
		})
	}
}

func listenUnix(t *testing.T, client *net.UnixAddr) (net.Listener, func(context.Context) (net.Conn, error)) {
	t.Helper()
	t.Chdir(t.TempDir()) // the names of both sockets are relative
	const path = "s"
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	d := new(net.Dialer)
	if client != nil {
		d.LocalAddr = client
	}
	return l, func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, "unix", path) }
}

// otherAuth is the AuthInfo of credentials other than TLS, such as those of ALTS.
type otherAuth struct{ tls.ConnectionState }

func (otherAuth) AuthType() string { return "other" }

// RFC 8705, Section 3: only a certificate that TLS has verified the possession of
// counts.
func TestOtherCredentials(t *testing.T) {
	mine := newCertificate(t)
	i := newInterceptors(t, bearergrpc.Config{Guard: boundTo(t, mine, &bearer.Certificates{}), Methods: allMethods(bearer.RouteConfig{Rule: scope.None})})
	info := otherAuth{}
	info.PeerCertificates = append(info.PeerCertificates, mine.Leaf)
	ctx := peer.NewContext(metadata.NewIncomingContext(t.Context(), metadata.Pairs("authorization", "Bearer bound")), &peer.Peer{AuthInfo: info})
	_, err := i.UnaryInterceptor()(ctx, nil, &grpc.UnaryServerInfo{FullMethod: unaryMethod}, func(context.Context, any) (any, error) {
		t.Error("the handler ran")
		return nil, nil
	})
	if status.Code(err) != codes.Unauthenticated {
		t.Errorf("%v, want Unauthenticated", err)
	}
}

// Interceptors that New did not build refuse each call, and do not panic: gRPC
// recovers no panic.
func TestInterceptorsWithoutNew(t *testing.T) {
	client := serve(t, new(bearergrpc.Interceptors), nil)
	for method, call := range callers {
		header, _, err := call(withAuthorization(t, "Bearer good"), client)
		if s := status.Convert(err); s.Code() != codes.Internal || s.Message() == "" || header["subject"] != nil {
			t.Errorf("%s: %v %v, want Internal", method, header, err)
		}
	}
}

// The same if a gRPC server is the handler of an http.Server.
func TestUnixSocketBehindNetHTTP(t *testing.T) {
	mine := newCertificate(t)
	i := newInterceptors(t, bearergrpc.Config{Methods: allMethods(bearer.RouteConfig{Rule: scope.None}), Guard: boundTo(t, mine, &bearer.Certificates{
		TrustedProxy: func(peer netip.Addr) bool {
			t.Errorf("TrustedProxy(%v)", peer)
			return true
		},
	})})
	server := grpc.NewServer(grpc.ChainUnaryInterceptor(i.UnaryInterceptor()))
	pb.RegisterTestServiceServer(server, service{})
	listener, dial := listenUnix(t, &net.UnixAddr{Name: "10.0.0.5:443", Net: "unix"})
	s := httptest.NewUnstartedServer(http.HandlerFunc(server.ServeHTTP))
	_ = s.Listener.Close()
	s.Listener, s.Config.Protocols = listener, new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	defer s.Close()
	conn, err := grpc.NewClient("passthrough:listener", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return dial(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	field := ":" + base64.StdEncoding.EncodeToString(mine.Leaf.Raw) + ":"
	_, _, err = callers[unaryMethod](metadata.AppendToOutgoingContext(withAuthorization(t, "Bearer bound"), "client-cert", field), pb.NewTestServiceClient(conn))
	if status.Code(err) != codes.Unauthenticated {
		t.Errorf("%v, want Unauthenticated", err)
	}
}

// Command grpc is a gRPC server whose methods need scopes.
//
//	go run ./examples/grpc
//
// prints where the API and a development issuer listen, as assignments. Paste
// these into another terminal, and then:
//
//	TOKEN=$(curl -s $ISSUER/token -d grant_type=client_credentials -d client_id=app -d sub=alice -d scope=orders:read |
//	    sed 's/.*"access_token":"\([^"]*\)".*/\1/')
//	call() { printf '\0\0\0\0\0' | curl -si --http2-prior-knowledge $API/$1 --data-binary @- -o - \
//	    -H 'Content-Type: application/grpc' -H 'TE: trailers' -H "$2"; }
//	call shop.v1.Orders/Count "Authorization: Bearer $TOKEN"   # grpc-status: 0
//	call shop.v1.Orders/Count ''                               # 16, UNAUTHENTICATED
//	call shop.v1.Orders/Delete "Authorization: Bearer $TOKEN"  # 7, PERMISSION_DENIED
//	call shop.v1.Orders/Watch "Authorization: Bearer $TOKEN"   # an order each second, until the token expires
//	call grpc.health.v1.Health/Check ''                        # 0: public
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/bearerkit/bearerkit/adapters/bearergrpc"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/examples/internal/devserver"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

const audience = "https://api.example.com"

// newServer returns the server. It is an error if one of its methods has no rule.
func newServer(issuer string, security credentials.TransportCredentials) (*grpc.Server, error) {
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer, Audience: []string{audience}}}})
	if err != nil {
		return nil, err
	}
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{tokens}, Logger: slog.Default()})
	if err != nil {
		return nil, err
	}
	auth, err := bearergrpc.New(bearergrpc.Config{
		Guard: guard,
		Methods: map[string]bearer.RouteConfig{
			countMethod:  {Rule: scope.All("orders:read")},
			watchMethod:  {Rule: scope.All("orders:read")},
			deleteMethod: {Rule: scope.All("orders:write")},
		},
		Public: []string{healthpb.Health_Check_FullMethodName, healthpb.Health_List_FullMethodName, healthpb.Health_Watch_FullMethodName},
	})
	if err != nil {
		return nil, err
	}
	server := grpc.NewServer(
		grpc.Creds(security),
		grpc.ChainUnaryInterceptor(auth.UnaryInterceptor()),
		grpc.ChainStreamInterceptor(auth.StreamInterceptor()),
	)
	registerOrders(server)
	healthpb.RegisterHealthServer(server, health.NewServer())
	return server, auth.Check(server) // every method has a rule, or is public
}

func count(ctx context.Context, _ *emptypb.Empty) (*wrapperspb.StringValue, error) {
	p, _ := bearer.FromContext(ctx)
	return wrapperspb.String("seven orders, for " + p.Subject), nil
}

// watch sends the orders that come in, until the caller's token expires.
func watch(_ *emptypb.Empty, stream grpc.ServerStreamingServer[wrapperspb.StringValue]) error {
	p, _ := bearer.FromContext(stream.Context())
	ctx, cancel := context.WithDeadline(stream.Context(), p.Expires)
	defer cancel()
	for order := 1; ; order++ {
		if err := stream.Send(wrapperspb.String(fmt.Sprint("order ", order))); err != nil {
			return err
		}
		select {
		case <-time.After(time.Second): // the next order
		case <-ctx.Done():
			return status.Error(codes.Unauthenticated, "the access token has expired")
		}
	}
}

func main() { devserver.Run(serve) }

func serve(address string, stdout io.Writer) error {
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{Audience: []string{audience}})
	if err != nil {
		return err
	}
	defer issuer.Close()
	server, err := newServer(issuer.URL(), insecure.NewCredentials())
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(stdout, "API=http://%s ISSUER=%s\n", listener.Addr(), issuer.URL()); err != nil {
		return err
	}
	return server.Serve(listener)
}

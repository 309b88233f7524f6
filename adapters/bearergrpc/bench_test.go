package bearergrpc_test

import (
	"context"
	"testing"

	"google.golang.org/grpc"
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"

	"github.com/bearerkit/bearerkit/adapters/bearergrpc"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// The overhead of the interceptor for a known token, without gRPC itself, and what
// a call over loopback costs with it and without it.
func BenchmarkKnownToken(b *testing.B) {
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{})
	if err != nil {
		b.Fatal(err)
	}
	defer issuer.Close()
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{"https://api.example.com"}}}})
	if err != nil {
		b.Fatal(err)
	}
	defer tokens.Close()
	authorization := "Bearer " + issuer.Mint(bearertest.Token{Audience: []string{"https://api.example.com"}, Scope: "orders:read"})
	guard := newGuard(b, bearer.Config{Verifiers: []bearer.Verifier{tokens}})
	i := newInterceptors(b, bearergrpc.Config{Guard: guard, Methods: allMethods(bearer.RouteConfig{Rule: scope.All("orders:read")}), Public: []string{pb.TestService_EmptyCall_FullMethodName}})
	b.Run("interceptor", func(b *testing.B) {
		ctx := metadata.NewIncomingContext(b.Context(), metadata.Pairs(
			":authority", "api.example.com", "content-type", "application/grpc", "user-agent", "grpc-go/1.85.0", "authorization", authorization))
		interceptor, info := i.UnaryInterceptor(), &grpc.UnaryServerInfo{FullMethod: unaryMethod}
		handler := func(context.Context, any) (any, error) { return nil, nil }
		b.ReportAllocs()
		for b.Loop() {
			if _, err := interceptor(ctx, nil, info, handler); err != nil {
				b.Fatal(err)
			}
		}
	})
	client := serve(b, i, nil)
	ctx := metadata.AppendToOutgoingContext(b.Context(), "authorization", authorization)
	b.Run("guarded call", func(b *testing.B) {
		for b.Loop() {
			if _, err := client.UnaryCall(ctx, &pb.SimpleRequest{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("public call", func(b *testing.B) {
		for b.Loop() {
			if _, err := client.EmptyCall(ctx, &pb.Empty{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

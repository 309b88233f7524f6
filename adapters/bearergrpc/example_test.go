package bearergrpc_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/bearerkit/bearerkit/adapters/bearergrpc"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/scope"
)

// A gateway, such as grpc-gateway, answers as the guard does.
func ExampleGateway() {
	conn, err := grpc.NewClient("localhost:50051",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStatsHandler(bearergrpc.Gateway{}),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	mux := http.NewServeMux() // stands for runtime.NewServeMux, whose handlers use conn
	log.Fatal(http.ListenAndServe("localhost:8080", bearergrpc.Gateway{}.Handler(mux)))
}

// orders stands for the service of a program.
type orders struct {
	pb.UnimplementedTestServiceServer
}

func (orders) UnaryCall(ctx context.Context, _ *pb.SimpleRequest) (*pb.SimpleResponse, error) {
	p, _ := bearer.FromContext(ctx)
	return &pb.SimpleResponse{Username: p.Subject}, nil
}

// Each method of the server has a rule, or is public. Check fails if one was
// forgotten.
func ExampleNew() {
	guard, err := bearer.New(bearer.Config{
		Verifiers: []bearer.Verifier{bearertest.Principals{ // stands for a jwks.Verifier
			"reader": {Subject: "alice", Scopes: scope.Of("orders:read")},
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	auth, err := bearergrpc.New(bearergrpc.Config{
		Guard: guard,
		Methods: map[string]bearer.RouteConfig{
			pb.TestService_UnaryCall_FullMethodName: {Rule: scope.All("orders:read")},
			pb.TestService_EmptyCall_FullMethodName: {Rule: scope.All("orders:write")},
		},
		Public: []string{healthpb.Health_Check_FullMethodName, healthpb.Health_List_FullMethodName, healthpb.Health_Watch_FullMethodName},
	})
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(
		grpc.ChainUnaryInterceptor(auth.UnaryInterceptor()),
		grpc.ChainStreamInterceptor(auth.StreamInterceptor()),
	)
	pb.RegisterTestServiceServer(server, orders{})
	healthpb.RegisterHealthServer(server, health.NewServer())
	fmt.Println(auth.Check(server)) // a program stops here

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	client := pb.NewTestServiceClient(conn)
	ctx := metadata.AppendToOutgoingContext(context.Background(), "authorization", "Bearer reader")
	response, err := client.UnaryCall(ctx, &pb.SimpleRequest{})
	fmt.Println(response.GetUsername(), err)
	var header metadata.MD
	_, err = client.EmptyCall(ctx, &pb.Empty{}, grpc.Header(&header))
	fmt.Println(status.Code(err), header["www-authenticate"])
	// Output:
	// bearergrpc: the method /grpc.testing.TestService/CacheableUnaryCall has no rule; add it to Config.Methods, or to Config.Public
	// bearergrpc: the method /grpc.testing.TestService/FullDuplexCall has no rule; add it to Config.Methods, or to Config.Public
	// bearergrpc: the method /grpc.testing.TestService/HalfDuplexCall has no rule; add it to Config.Methods, or to Config.Public
	// bearergrpc: the method /grpc.testing.TestService/StreamingInputCall has no rule; add it to Config.Methods, or to Config.Public
	// bearergrpc: the method /grpc.testing.TestService/StreamingOutputCall has no rule; add it to Config.Methods, or to Config.Public
	// bearergrpc: the method /grpc.testing.TestService/UnimplementedCall has no rule; add it to Config.Methods, or to Config.Public
	// alice <nil>
	// PermissionDenied [Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", scope="orders:write"]
}

package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/bearerkit/bearerkit/examples/internal/exampletest"
)

func TestProgram(t *testing.T) {
	p := exampletest.Start(t, serve)
	conn, err := grpc.NewClient(strings.TrimPrefix(p.Var("API"), "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	token := "Bearer " + p.Token(t, "ISSUER", "sub", "alice", "scope", "orders:read")
	tests := []struct {
		method, token, want string // what it returns, or the code and the challenge
	}{
		{countMethod, token, "seven orders, for alice"},
		{countMethod, "", `Unauthenticated [Bearer realm="api", scope="orders:read"]`},
		{deleteMethod, token, `PermissionDenied [Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", scope="orders:write"]`},
		{"/shop.v1.Orders/Drop", token, "Unimplemented []"},
	}
	for _, tt := range tests {
		ctx := t.Context()
		if tt.token != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "authorization", tt.token)
		}
		var response wrapperspb.StringValue
		var header metadata.MD
		err := conn.Invoke(ctx, tt.method, &emptypb.Empty{}, &response, grpc.Header(&header))
		got := response.GetValue()
		if err != nil {
			got = fmt.Sprint(status.Code(err), " ", header["www-authenticate"])
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.method, got, tt.want)
		}
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+p.Token(t, "ISSUER", "sub", "alice", "scope", "orders:read"))
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, watchMethod)
	if err != nil {
		t.Fatal(err)
	}
	var order wrapperspb.StringValue
	if err := errors.Join(stream.SendMsg(&emptypb.Empty{}), stream.CloseSend(), stream.RecvMsg(&order)); err != nil || order.GetValue() != "order 1" {
		t.Errorf("%q %v", order.GetValue(), err)
	}
	if _, err := healthpb.NewHealthClient(conn).Check(t.Context(), &healthpb.HealthCheckRequest{}); err != nil {
		t.Errorf("health: %v", err)
	}
}

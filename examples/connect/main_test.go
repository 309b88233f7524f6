package main

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/bearerkit/bearerkit/examples/internal/exampletest"
)

func TestProgram(t *testing.T) {
	p := exampletest.Start(t, serve)
	token := "Bearer " + p.Token(t, "ISSUER", "sub", "alice", "scope", "orders:read")
	tests := []struct {
		procedure, token, want string // what it returns, or the code and the challenge
	}{
		{countProcedure, token, "seven orders, for alice"},
		{countProcedure, "", `unauthenticated Bearer realm="api", scope="orders:read"`},
		{deleteProcedure, token, `permission_denied Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", scope="orders:write"`},
		{"/shop.v1.Orders/Drop", token, "unimplemented"},
	}
	for _, tt := range tests {
		request := connect.NewRequest(&emptypb.Empty{})
		if tt.token != "" {
			request.Header().Set("Authorization", tt.token)
		}
		client := connect.NewClient[emptypb.Empty, wrapperspb.StringValue](http.DefaultClient, p.Var("API")+tt.procedure)
		response, err := client.CallUnary(t.Context(), request)
		var got string
		if e, ok := errors.AsType[*connect.Error](err); ok {
			got = strings.TrimSpace(e.Code().String() + " " + e.Meta().Get("WWW-Authenticate"))
		} else if err != nil {
			t.Fatal(err)
		} else {
			got = response.Msg.GetValue()
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.procedure, got, tt.want)
		}
	}
}

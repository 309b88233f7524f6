package bearerconnect_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/bearerkit/bearerkit/adapters/bearerconnect"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/scope"
)

// Each procedure has a rule of its own. A procedure that is not registered is not
// served.
func ExampleRequire() {
	guard, err := bearer.New(bearer.Config{
		Verifiers: []bearer.Verifier{bearertest.Principals{ // stands for a jwks.Verifier
			"reader": {Subject: "alice", Scopes: scope.Of("orders:read")},
		}},
	})
	if err != nil {
		log.Fatal(err)
	}

	// This stands for the handler that protoc-gen-connect-go generates.
	orders := connect.NewUnaryHandler("/shop.v1.Orders/Count", func(ctx context.Context, _ *connect.Request[emptypb.Empty]) (*connect.Response[wrapperspb.StringValue], error) {
		p, _ := bearer.FromContext(ctx)
		return connect.NewResponse(wrapperspb.String("seven, for " + p.Subject)), nil
	})
	mux := http.NewServeMux()
	mux.Handle("/shop.v1.Orders/Count", bearerconnect.Require(guard, scope.All("orders:read"))(orders))
	mux.Handle("/shop.v1.Orders/Delete", bearerconnect.Require(guard, scope.All("orders:write"))(orders))

	server := httptest.NewServer(mux)
	defer server.Close()
	for _, procedure := range []string{"Count", "Delete", "Drop"} {
		client := connect.NewClient[emptypb.Empty, wrapperspb.StringValue](server.Client(), server.URL+"/shop.v1.Orders/"+procedure)
		request := connect.NewRequest(&emptypb.Empty{})
		request.Header().Set("Authorization", "Bearer reader")
		response, err := client.CallUnary(context.Background(), request)
		if err != nil {
			fmt.Println(connect.CodeOf(err))
			continue
		}
		fmt.Println(response.Msg.GetValue())
	}
	// Output:
	// seven, for alice
	// permission_denied
	// unimplemented
}

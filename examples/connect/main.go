// Command connect is a Connect service whose procedures need scopes.
//
//	go run ./examples/connect
//
// prints where the API and a development issuer listen, as assignments. Paste
// these into another terminal, and then:
//
//	TOKEN=$(curl -s $ISSUER/token -d grant_type=client_credentials -d client_id=app -d sub=alice -d scope=orders:read |
//	    sed 's/.*"access_token":"\([^"]*\)".*/\1/')
//	H='-H Content-Type:application/json -H Connect-Protocol-Version:1'
//	curl -i $API/shop.v1.Orders/Count $H -d {} -H "Authorization: Bearer $TOKEN"   # 200
//	curl -i $API/shop.v1.Orders/Count $H -d {}                                     # 401, unauthenticated
//	curl -i $API/shop.v1.Orders/Delete $H -d {} -H "Authorization: Bearer $TOKEN"  # 403, permission_denied
//	curl -i $API/shop.v1.Orders/Drop $H -d {} -H "Authorization: Bearer $TOKEN"    # 404, no such procedure
package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/bearerkit/bearerkit/adapters/bearerconnect"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/examples/internal/devserver"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

const audience = "https://api.example.com"

// The procedures of the service. protoc-gen-connect-go generates such names.
const (
	countProcedure  = "/shop.v1.Orders/Count"
	deleteProcedure = "/shop.v1.Orders/Delete"
)

// newAPI returns the API.
func newAPI(issuer, _ string) (http.Handler, error) {
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer, Audience: []string{audience}}}})
	if err != nil {
		return nil, err
	}
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{tokens}, Logger: slog.Default()})
	if err != nil {
		return nil, err
	}
	orders := newOrders()
	mux := http.NewServeMux()
	mux.Handle(countProcedure, bearerconnect.Require(guard, scope.All("orders:read"))(orders))
	mux.Handle(deleteProcedure, bearerconnect.Require(guard, scope.All("orders:write"))(orders))
	return mux, nil
}

// newOrders returns the handler of the service. It stands for the one that
// protoc-gen-connect-go generates.
func newOrders() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(countProcedure, connect.NewUnaryHandler(countProcedure, count))
	mux.Handle(deleteProcedure, connect.NewUnaryHandler(deleteProcedure, count))
	return mux
}

func count(ctx context.Context, _ *connect.Request[emptypb.Empty]) (*connect.Response[wrapperspb.StringValue], error) {
	p, _ := bearer.FromContext(ctx)
	return connect.NewResponse(wrapperspb.String("seven orders, for " + p.Subject)), nil
}

func main() { devserver.Run(serve) }

func serve(address string, stdout io.Writer) error {
	return devserver.ServeWithIssuer(address, stdout, bearertest.IssuerConfig{Audience: []string{audience}}, newAPI)
}

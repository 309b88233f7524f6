// Command huma protects an API that huma describes by an OpenAPI document. Each
// operation is guarded by its route, which also writes its security requirement.
//
//	go run ./examples/huma
//
// prints where the API and a development issuer listen, as assignments. Paste
// these into another terminal, and then:
//
//	TOKEN=$(curl -s $ISSUER/token -d grant_type=client_credentials -d client_id=app -d sub=alice -d scope=orders:read |
//	    sed 's/.*"access_token":"\([^"]*\)".*/\1/')
//	curl -i $API/orders                                               # 401
//	curl -i $API/orders -H "Authorization: Bearer $TOKEN"             # 200
//	curl -i -X DELETE $API/orders/7 -H "Authorization: Bearer $TOKEN" # 403: orders:write or admin
//	curl -s $API/openapi.json                                         # what each operation requires
package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/examples/internal/devserver"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

const audience = "https://api.example.com"

func newAPI(issuer, _ string) (http.Handler, error) {
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer, Audience: []string{audience}}}})
	if err != nil {
		return nil, err
	}
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{tokens}, Logger: slog.Default()})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	config := huma.DefaultConfig("Orders", "1.0.0")
	config.DocsPath = "" // its page would load a script from another host
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"oauth2": {Type: "openIdConnect", OpenIDConnectURL: issuer + "/.well-known/openid-configuration"},
	}
	api := humago.New(mux, config)
	huma.Register(api, operation(guard, "GET", "/orders", scope.All("orders:read")), list)
	huma.Register(api, operation(guard, "DELETE", "/orders/{id}", scope.Any("orders:write", "admin")), remove)
	return mux, nil
}

// operation returns an operation that one route guards and describes.
func operation(guard *bearer.Guard, method, path string, rule scope.Rule) huma.Operation {
	route := guard.MustRoute(bearer.RouteConfig{Rule: rule})
	return huma.Operation{Method: method, Path: path, Security: route.OpenAPISecurity("oauth2"),
		Middlewares: huma.Middlewares{func(c huma.Context, next func(huma.Context)) {
			r, w := humago.Unwrap(c)
			bearerhttp.Protect(route)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next(humago.NewContext(c.Operation(), r, w))
			})).ServeHTTP(w, r)
		}},
	}
}

func list(ctx context.Context, _ *struct{}) (*struct{ Body string }, error) {
	p, _ := bearer.FromContext(ctx)
	return &struct{ Body string }{"The orders, for " + p.Subject}, nil
}

func remove(context.Context, *struct {
	ID string `path:"id"`
}) (*struct{}, error) {
	return nil, nil
}

func main() { devserver.Run(serve) }

func serve(address string, stdout io.Writer) error {
	return devserver.ServeWithIssuer(address, stdout, bearertest.IssuerConfig{Audience: []string{audience}}, newAPI)
}

// Command opaque protects an API whose access tokens are opaque: the API asks
// the authorization server about each token (RFC 7662).
//
//	go run ./examples/opaque
//
// prints where the API and a development issuer listen, as assignments. Paste
// these into another terminal, and then:
//
//	TOKEN=$(curl -s $ISSUER/token -d grant_type=client_credentials -d client_id=app -d scope=orders:read \
//	    -d token_format=opaque | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
//	curl -i $API/orders -H "Authorization: Bearer $TOKEN"                   # 200
//	curl -i $API/orders -H "Authorization: Bearer unknown"                  # 401: not active
//	curl -i $ISSUER/revoke -u orders-api:secret -d token=$TOKEN             # 200: revoked (RFC 7009)
//	sleep 3; curl -i $API/orders -H "Authorization: Bearer $TOKEN"          # 401: within MaxAge
package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/examples/internal/devserver"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/scope"
)

const audience = "https://api.example.com"

// The API's credentials at the issuer, for introspection. A real program reads
// the secret from the environment.
const clientID, secret = "orders-api", "secret"

// newAPI returns the API.
func newAPI(issuer, _ string) (http.Handler, error) {
	tokens, err := introspect.New(introspect.Config{
		Issuer:   issuer,
		Auth:     introspect.ClientSecretBasic(clientID, secret),
		Audience: []string{audience},
		MaxAge:   2 * time.Second, // how long the API uses an answer, and so a revoked token
	})
	if err != nil {
		return nil, err
	}
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{tokens}, Logger: slog.Default()})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /orders", bearerhttp.Require(guard, scope.All("orders:read"))(http.HandlerFunc(listOrders)))
	return mux, nil
}

func listOrders(w http.ResponseWriter, r *http.Request) {
	p, _ := bearer.FromContext(r.Context())
	fmt.Fprintf(w, "The orders, for %s.\n", p.Subject)
}

func main() { devserver.Run(serve) }

func serve(address string, stdout io.Writer) error {
	api := bearertest.Client{ID: clientID, Secret: secret}
	return devserver.ServeWithIssuer(address, stdout, bearertest.IssuerConfig{
		Audience: []string{audience}, Clients: []bearertest.Client{api},
	}, newAPI)
}

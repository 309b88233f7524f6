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
	"cmp"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/scope"
)

const audience = "https://api.example.com"

// newAPI returns the API. Its client ID and secret are those that the issuer
// gave to the API itself.
func newAPI(issuer, clientID, secret string) (http.Handler, error) {
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

func main() { log.Fatal(serve("127.0.0.1:"+cmp.Or(os.Getenv("PORT"), "8080"), os.Stdout)) }

// serve serves the API and a development issuer, which gives tokens to anyone
// who asks. Never deploy an API that trusts such an issuer.
func serve(address string, stdout io.Writer) error {
	client := bearertest.Client{ID: "orders-api", Secret: "secret"}
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{Audience: []string{audience}, Clients: []bearertest.Client{client}})
	if err != nil {
		return err
	}
	defer issuer.Close()
	handler, err := newAPI(issuer.URL(), client.ID, client.Secret)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "API=http://%s ISSUER=%s\n", listener.Addr(), issuer.URL())
	return http.Serve(listener, handler)
}

// Command browser protects an API that pages of one origin call from a browser.
// CORS wraps the guard: it answers preflight requests, which carry no token, and
// lets pages read the header fields of a refusal.
//
//	go run ./examples/browser
//
// prints where the API and a development issuer listen, as assignments. Paste
// these into another terminal, and then:
//
//	TOKEN=$(curl -s $ISSUER/token -d grant_type=client_credentials -d client_id=app -d scope=orders:read |
//	    sed 's/.*"access_token":"\([^"]*\)".*/\1/')
//	PAGE="Origin: https://app.example.com"
//	curl -i -X OPTIONS $API/orders -H "$PAGE" -H "Access-Control-Request-Method: GET" \
//	    -H "Access-Control-Request-Headers: authorization"                             # 204: the preflight
//	curl -i $API/orders -H "$PAGE" -H "Authorization: Bearer $TOKEN"                   # 200
//	curl -i $API/orders -H "$PAGE"                                                     # 401: readable by the page
//	curl -i $API/orders -H "Origin: https://other.example" -H "Authorization: Bearer $TOKEN" # 200: not readable
package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/rs/cors"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/examples/internal/devserver"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

const (
	audience = "https://api.example.com"
	page     = "https://app.example.com" // the origin of the pages that call the API
)

// newAPI returns the API. Its pages send tokens, not cookies, so CORS needs no
// credentials.
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
	mux.Handle("GET /orders", bearerhttp.Require(guard, scope.All("orders:read"))(http.HandlerFunc(listOrders)))
	return cors.New(cors.Options{
		AllowedOrigins: []string{page},
		AllowedMethods: []string{http.MethodGet},
		AllowedHeaders: []string{"Authorization"},
		// What a page needs to act on a 401, 403 or 503.
		ExposedHeaders: []string{"WWW-Authenticate", "Retry-After"},
		MaxAge:         600, // seconds that browsers may cache a preflight
	}).Handler(mux), nil
}

func listOrders(w http.ResponseWriter, r *http.Request) {
	p, _ := bearer.FromContext(r.Context())
	fmt.Fprintf(w, "The orders, for %s.\n", p.Subject)
}

func main() { devserver.Run(serve) }

func serve(address string, stdout io.Writer) error {
	return devserver.ServeWithIssuer(address, stdout, bearertest.IssuerConfig{Audience: []string{audience}}, newAPI)
}

// Command dpop protects an API whose tokens are bound to a key of the client by
// DPoP (RFC 9449). A stolen token is useless without the key.
//
//	go run ./examples/dpop
//
// prints where the API and a development issuer listen, as assignments. Paste
// these into another terminal, and then:
//
//	KEY=$(mktemp -d)/key.pem # the first proof creates it
//	proof() { go run ./examples/protectedapi proof -key $KEY "$@"; }
//	TOKEN=$(curl -s $ISSUER/token -d grant_type=client_credentials -d client_id=app -d scope=orders:read \
//	    -H "DPoP: $(proof -method POST -url $ISSUER/token)" | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
//	PROOF=$(proof -url $API/orders -token $TOKEN)
//	curl -i $API/orders -H "Authorization: DPoP $TOKEN" -H "DPoP: $PROOF"   # 200
//	curl -i $API/orders -H "Authorization: DPoP $TOKEN" -H "DPoP: $PROOF"   # 401: a proof works once
//	curl -i $API/orders -H "Authorization: DPoP $TOKEN"                     # 401: no proof
//	curl -i $API/orders -H "Authorization: Bearer $TOKEN"                   # 401: the wrong scheme
//
// The client creates a key. It sends a proof with its token request, which binds
// the token to the key. It then sends a new proof with each request, because a
// proof names the method, the URL and the token.
package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/examples/internal/devserver"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

const audience = "https://api.example.com"

// newAPI returns the API. Proofs name URLs of its origin.
func newAPI(issuer, origin string) (http.Handler, error) {
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer, Audience: []string{audience}}}})
	if err != nil {
		return nil, err
	}
	proofs, err := dpop.New(dpop.Config{Origin: origin})
	if err != nil {
		return nil, err
	}
	guard, err := bearer.New(bearer.Config{
		Verifiers:      []bearer.Verifier{tokens},
		Proofs:         proofs,
		ProofsRequired: true, // refuses tokens under the scheme Bearer
		Logger:         slog.Default(),
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /orders", bearerhttp.Require(guard, scope.All("orders:read"))(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			p, _ := bearer.FromContext(r.Context())
			fmt.Fprintf(w, "The orders, for %s, who holds the key %s.\n", p.Subject, p.Confirmation.JKT)
		})))
	return mux, nil
}

func main() { devserver.Run(serve) }

func serve(address string, stdout io.Writer) error {
	return devserver.ServeWithIssuer(address, stdout, bearertest.IssuerConfig{Audience: []string{audience}}, newAPI)
}

// Command sign-out refuses the tokens of a session once its user has signed out
// at the issuer (OpenID Connect Back-Channel Logout 1.0).
//
//	go run ./examples/sign-out
//
// prints where the API and a development issuer listen, as assignments. Paste
// these into another terminal, and then:
//
//	token() { curl -s $ISSUER/token -d grant_type=client_credentials -d client_id=shop -d sub=alice "$@" |
//	    sed 's/.*"access_token":"\([^"]*\)".*/\1/'; }
//	PHONE=$(token -d sid=phone) LAPTOP=$(token -d sid=laptop)
//	curl -i $API/orders -H "Authorization: Bearer $PHONE"                   # 200
//	LOGOUT=$(token -d sid=phone -d token_format=logout)
//	curl -i $API/sign-out -d logout_token=$LOGOUT                           # 200: as the issuer posts it
//	curl -i $API/orders -H "Authorization: Bearer $PHONE"                   # 401: this session is over
//	curl -i $API/orders -H "Authorization: Bearer $LAPTOP"                  # 200: another session
//	curl -i $API/sign-out -d logout_token=$LAPTOP                           # 400: no logout token
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
	"github.com/bearerkit/bearerkit/denylist"
	"github.com/bearerkit/bearerkit/examples/internal/devserver"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

const audience = "https://api.example.com"

// newAPI returns the API. At the issuer, the client shop has the address of POST
// /sign-out as its backchannel_logout_uri.
func newAPI(issuer, _ string) (http.Handler, error) {
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer, Audience: []string{audience}}}})
	if err != nil {
		return nil, err
	}
	denied, err := denylist.NewMemory(denylist.MemoryConfig{}) // for several instances: bearerredis
	if err != nil {
		return nil, err
	}
	signOut, err := denylist.NewReceiver(denylist.ReceiverConfig{
		Verifier: tokens, List: denied, Audience: []string{"shop"}, MaxTokenLife: time.Hour, Logger: slog.Default(),
	})
	if err != nil {
		return nil, err
	}
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{tokens}, DenyList: denied, Logger: slog.Default()})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("POST /sign-out", signOut) // outside of the guard: the issuer has no access token
	mux.Handle("GET /orders", bearerhttp.Require(guard, scope.None)(http.HandlerFunc(listOrders)))
	return mux, nil
}

func listOrders(w http.ResponseWriter, r *http.Request) {
	p, _ := bearer.FromContext(r.Context())
	fmt.Fprintf(w, "The orders of %s, in the session %s.\n", p.Subject, p.SessionID)
}

func main() { devserver.Run(serve) }

func serve(address string, stdout io.Writer) error {
	return devserver.ServeWithIssuer(address, stdout, bearertest.IssuerConfig{Audience: []string{audience}}, newAPI)
}

// Command step-up protects a route that needs a strong and recent authentication
// of the user (RFC 9470). The challenge tells the client what to request.
//
//	go run ./examples/step-up
//
// prints where the API and a development issuer listen, as assignments. Paste
// these into another terminal, and then:
//
//	token() { curl -s $ISSUER/token -d grant_type=client_credentials -d client_id=app -d sub=alice -d scope=transfers "$@" |
//	    sed 's/.*"access_token":"\([^"]*\)".*/\1/'; }
//	curl -i $API/balance -H "Authorization: Bearer $(token)"                # 200
//	curl -i -X POST $API/transfers -H "Authorization: Bearer $(token)"      # 401: acr_values and max_age
//	STRONG=$(token -d acr=urn:example:mfa -d auth_age=10)
//	curl -i -X POST $API/transfers -H "Authorization: Bearer $STRONG"       # 200
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
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

const audience = "https://api.example.com"

// newAPI returns the API. Its issuer must put acr and auth_time into the tokens.
func newAPI(issuer, _ string) (http.Handler, error) {
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer, Audience: []string{audience}}}})
	if err != nil {
		return nil, err
	}
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{tokens}, Logger: slog.Default()})
	if err != nil {
		return nil, err
	}
	recentMFA := bearer.StepUp{ACR: []string{"urn:example:mfa"}, MaxAge: 5 * time.Minute}
	transfers := scope.All("transfers")
	mux := http.NewServeMux()
	mux.Handle("GET /balance", bearerhttp.Require(guard, transfers)(http.HandlerFunc(showBalance)))
	mux.Handle("POST /transfers", bearerhttp.Require(guard, transfers, recentMFA)(http.HandlerFunc(transfer)))
	return mux, nil
}

func showBalance(w http.ResponseWriter, r *http.Request) {
	p, _ := bearer.FromContext(r.Context())
	fmt.Fprintf(w, "The balance of %s.\n", p.Subject)
}

func transfer(w http.ResponseWriter, r *http.Request) {
	p, _ := bearer.FromContext(r.Context())
	fmt.Fprintf(w, "%s authenticated by %s at %s.\n", p.Subject, p.ACR, p.AuthTime.Format(time.TimeOnly))
}

func main() { devserver.Run(serve) }

func serve(address string, stdout io.Writer) error {
	return devserver.ServeWithIssuer(address, stdout, bearertest.IssuerConfig{Audience: []string{audience}}, newAPI)
}

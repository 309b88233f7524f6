// Command several-issuers protects an API that accepts the tokens of two issuers:
// one for the staff, and one for the customers. A subject is unique only within
// its issuer.
//
//	go run ./examples/several-issuers
//
// prints where the API and the issuers listen, as assignments. Paste these into
// another terminal, and then:
//
//	token() { curl -s $1/token -d grant_type=client_credentials -d client_id=app -d sub=alice -d scope=orders:read |
//	    sed 's/.*"access_token":"\([^"]*\)".*/\1/'; }
//	curl -i $API/orders -H "Authorization: Bearer $(token $CUSTOMERS)"      # 200: a customer
//	curl -i $API/orders -H "Authorization: Bearer $(token $STAFF)"          # 200: another person named alice
//	curl -i $API/reports -H "Authorization: Bearer $(token $STAFF)"         # 200: the staff
//	curl -i $API/reports -H "Authorization: Bearer $(token $CUSTOMERS)"     # 403: nobody else
package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/examples/internal/devserver"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// The issuers call this API by different names.
const staffAudience, customerAudience = "orders", "https://api.example.com"

// newAPI returns the API. An issuer's keys verify only its own tokens.
func newAPI(staff, customers string) (http.Handler, error) {
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{
		{URL: staff, Audience: []string{staffAudience}},
		{URL: customers, Audience: []string{customerAudience}},
	}})
	if err != nil {
		return nil, err
	}
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{tokens}, Logger: slog.Default()})
	if err != nil {
		return nil, err
	}
	staffOnly := bearer.RequirementFunc(func(_ *http.Request, p *bearer.Principal) error {
		if p.Issuer != staff {
			return bearer.Forbid("only the staff may read reports") // for the log
		}
		return nil
	})
	read := scope.All("orders:read")
	mux := http.NewServeMux()
	mux.Handle("GET /orders", bearerhttp.Require(guard, read)(http.HandlerFunc(answer)))
	mux.Handle("GET /reports", bearerhttp.Require(guard, read, staffOnly)(http.HandlerFunc(answer)))
	return mux, nil
}

// answer says who is calling. Issuer and subject together identify a user.
func answer(w http.ResponseWriter, r *http.Request) {
	p, _ := bearer.FromContext(r.Context())
	fmt.Fprintf(w, "%s, for %s of %s.\n", r.URL.Path, p.Subject, p.Issuer)
}

func main() { devserver.Run(serve) }

// serve serves the API and two development issuers, which give tokens to anyone
// who asks. Never deploy an API that trusts such an issuer.
func serve(address string, stdout io.Writer) error {
	staff, err := bearertest.NewIssuer(bearertest.IssuerConfig{Audience: []string{staffAudience}})
	if err != nil {
		return err
	}
	defer staff.Close()
	customers, err := bearertest.NewIssuer(bearertest.IssuerConfig{Audience: []string{customerAudience}})
	if err != nil {
		return err
	}
	defer customers.Close()
	return devserver.Serve(address, stdout, map[string]string{"STAFF": staff.URL(), "CUSTOMERS": customers.URL()}, func(_ string) (http.Handler, error) {
		return newAPI(staff.URL(), customers.URL())
	})
}

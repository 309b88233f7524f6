// Command roles protects an API whose routes need roles. The issuer's tokens have
// them in the claim roles (RFC 9068, Section 2.2.3.1).
//
//	go run ./examples/roles
//
// prints where the API and a development issuer listen, as assignments. Paste
// these into another terminal, and then:
//
//	token() { curl -s $ISSUER/token -d grant_type=client_credentials -d client_id=app -d sub=alice "$@" |
//	    sed 's/.*"access_token":"\([^"]*\)".*/\1/'; }
//	CASHIER=$(token -d scope=orders -d roles=cashier)
//	curl -i -X POST $API/refunds -H "Authorization: Bearer $CASHIER"                 # 200: the scope and the role
//	curl -i -X POST $API/refunds -H "Authorization: Bearer $(token -d scope=orders)" # 403: no role
//	curl -i $API/dashboard -H "Authorization: Bearer $CASHIER"                       # 403: insufficient_scope
//	curl -i $API/dashboard -H "Authorization: Bearer $(token -d scope=admin)"        # 200: the scope
//	curl -i $API/dashboard -H "Authorization: Bearer $(token -d roles=admin)"        # 200: the role
package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/examples/internal/devserver"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

const audience = "https://api.example.com"

// newAPI returns the API. For an issuer with roles in another claim, set
// jwks.Issuer.Profile, for example to jwks.Keycloak().
func newAPI(issuer, _ string) (http.Handler, error) {
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer, Audience: []string{audience}}}})
	if err != nil {
		return nil, err
	}
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{tokens}, Logger: slog.Default()})
	if err != nil {
		return nil, err
	}
	cashier := bearer.AnyRole("cashier", "manager")
	admin := bearer.AnyOf(bearer.Scope(scope.All("admin")), bearer.Role("admin"))
	mux := http.NewServeMux()
	mux.Handle("POST /refunds", bearerhttp.Require(guard, scope.All("orders"), cashier)(http.HandlerFunc(answer)))
	mux.Handle("GET /dashboard", bearerhttp.Require(guard, scope.None, admin)(http.HandlerFunc(answer)))
	return mux, nil
}

// answer says which roles the caller has.
func answer(w http.ResponseWriter, r *http.Request) {
	p, _ := bearer.FromContext(r.Context())
	fmt.Fprintf(w, "%s, for %s with the roles [%s].\n", r.URL.Path, p.Subject, strings.Join(p.Roles(), " "))
}

func main() { devserver.Run(serve) }

func serve(address string, stdout io.Writer) error {
	return devserver.ServeWithIssuer(address, stdout, bearertest.IssuerConfig{Audience: []string{audience}}, newAPI)
}

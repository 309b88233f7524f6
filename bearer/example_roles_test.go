package bearer_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// cashierRoute returns a route whose callers are alice, a cashier of the tenant
// acme.
func cashierRoute(requirements ...bearer.Requirement) *bearer.Route {
	alice := bearer.Principal{Subject: "alice", Scopes: scope.Of("orders")}.WithRoles("cashier").WithClaims(`{"tenant":"acme"}`)
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{
		bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) { return &alice, nil }),
	}})
	if err != nil {
		panic(err)
	}
	return guard.MustRoute(bearer.RouteConfig{Rule: scope.All("orders"), Requirements: requirements})
}

func ExampleRole() {
	refund := cashierRoute(bearer.Role("cashier")).Decide(exampleRequest())
	audit := cashierRoute(bearer.Role("auditor")).Decide(exampleRequest())
	fmt.Println(refund.Status())
	fmt.Println(audit.Status(), audit.Challenges(), audit.Err())
	// Output:
	// 200
	// 403 [] bearer: forbidden: role: expected the role "auditor", got "cashier"
}

// A scope or a role opens the route. The refusal names the scope, because the
// client can request it.
func ExampleAnyOf() {
	admin := bearer.AnyOf(bearer.Scope(scope.All("admin")), bearer.Role("admin"))
	d := cashierRoute(admin).Decide(exampleRequest())
	fmt.Println(d.Status())
	fmt.Println(d.Challenges()[0])
	// Output:
	// 403
	// Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", scope="admin orders"
}

func ExampleClaim() {
	fmt.Println(cashierRoute(bearer.Claim("/tenant", "acme")).Decide(exampleRequest()).Status())
	fmt.Println(cashierRoute(bearer.Claim("/tenant", "globex")).Decide(exampleRequest()).Err())
	// Output:
	// 200
	// bearer: forbidden: claim: expected /tenant to be or to contain "globex", got another value
}

type tenancy struct {
	Tenant string `json:"tenant"`
}

func listOrders(w http.ResponseWriter, r *http.Request) {
	claims, err := bearer.ClaimsOf[tenancy](r.Context())
	if err != nil || claims.Tenant == "" {
		http.Error(w, "The token names no tenant.", http.StatusForbidden)
		return
	}
	fmt.Fprintln(w, "The orders of", claims.Tenant)
}

func ExampleClaimsOf() {
	w := httptest.NewRecorder()
	if r, ok := cashierRoute().Admit(w, exampleRequest()); ok {
		listOrders(w, r)
	}
	fmt.Print(w.Body)
	// Output: The orders of acme
}

// A payment needs a token whose authorization details cover it.
func ExampleDetails() {
	type payment struct {
		Currency string `json:"currency"`
		Limit    int    `json:"limit"`
	}
	payments := bearer.Details("payment_initiation", func(r *http.Request, granted []payment) error {
		if !slices.ContainsFunc(granted, func(p payment) bool { return p.Currency == "EUR" && p.Limit >= 100 }) {
			return bearer.Forbid("the token does not cover this payment")
		}
		return nil
	})
	for _, details := range []string{
		`[{"type":"payment_initiation","currency":"EUR","limit":500}]`,
		`[{"type":"payment_initiation","currency":"EUR","limit":50}]`,
		`[{"type":"account_information"}]`,
	} {
		p := bearer.Principal{Subject: "alice"}.WithClaims(`{"authorization_details":` + details + `}`)
		fmt.Println(payments.Check(exampleRequest(), &p))
	}
	// Output:
	// <nil>
	// bearer: forbidden: policy
	// bearer: forbidden: authorization_details: expected details of the type "payment_initiation", got none
}

package main

import (
	"testing"

	"github.com/bearerkit/bearerkit/examples/internal/exampletest"
)

func TestProgram(t *testing.T) {
	p := exampletest.Start(t, serve)
	token := func(params ...string) string {
		return "Bearer " + p.Token(t, "ISSUER", append(params, "sub", "alice")...)
	}
	const scopes = `Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", scope=`
	p.Check(t, "POST /refunds", 200, "Authorization", token("scope", "orders", "roles", "manager")).
		Body(t, "/refunds, for alice with the roles [manager].\n")
	// A client cannot request a role, so the refusal has no challenge.
	for name, roles := range map[string][]string{"none": nil, "another": {"roles", "Cashier"}, "two in one": {"roles", "cashier manager"}} {
		t.Run(name, func(t *testing.T) {
			p.Check(t, "POST /refunds", 403, "Authorization", token(append(roles, "scope", "orders")...)).Challenges(t)
		})
	}
	p.Check(t, "POST /refunds", 403, "Authorization", token("roles", "cashier")).Challenges(t, scopes+`"orders"`)
	p.Check(t, "POST /refunds", 401).Challenges(t, `Bearer realm="api", scope="orders"`)

	p.Check(t, "GET /dashboard", 200, "Authorization", token("scope", "admin")).Body(t, "/dashboard, for alice with the roles [].\n")
	p.Check(t, "GET /dashboard", 200, "Authorization", token("roles", "admin"))
	p.Check(t, "GET /dashboard", 403, "Authorization", token("scope", "orders", "roles", "cashier")).Challenges(t, scopes+`"admin"`)
	p.Check(t, "GET /dashboard", 401).Challenges(t, `Bearer realm="api", scope="admin"`)
}

func TestHeadComment(t *testing.T) { exampletest.Start(t, serve).HeadComment(t) }

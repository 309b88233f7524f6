package main

import (
	"testing"

	"github.com/bearerkit/bearerkit/examples/internal/exampletest"
)

func TestProgram(t *testing.T) {
	p := exampletest.Start(t, serve)
	token := func(issuer string, params ...string) string {
		return "Bearer " + p.Token(t, issuer, append(params, "sub", "alice", "scope", "orders:read")...)
	}
	const invalidToken = `Bearer realm="api", error="invalid_token", error_description="The access token is invalid.", scope="orders:read"`
	for issuer, reports := range map[string]int{"STAFF": 200, "CUSTOMERS": 403} {
		p.Check(t, "GET /orders", 200, "Authorization", token(issuer)).
			Body(t, "/orders, for alice of "+p.Var(issuer)+".\n")
		p.Check(t, "GET /reports", reports, "Authorization", token(issuer)).Challenges(t)
	}
	// Each issuer must use its own name of the API.
	p.Check(t, "GET /orders", 401, "Authorization", token("CUSTOMERS", "audience", staffAudience)).Challenges(t, invalidToken)
	p.Check(t, "GET /orders", 401, "Authorization", token("STAFF", "audience", customerAudience)).Challenges(t, invalidToken)
	p.Check(t, "GET /reports", 401).Challenges(t, `Bearer realm="api", scope="orders:read"`)
}

func TestHeadComment(t *testing.T) { exampletest.Start(t, serve).HeadComment(t) }

package main

import (
	"testing"

	"github.com/bearerkit/bearerkit/examples/internal/exampletest"
)

func TestProgram(t *testing.T) {
	p := exampletest.Start(t, serve)
	token := func(scope string) string {
		return "Bearer " + p.Token(t, "ISSUER", "scope", scope, "token_format", "opaque")
	}
	p.Check(t, "GET /orders", 200, "Authorization", token("orders:read"))
	p.Check(t, "GET /orders", 401).Challenges(t, `Bearer realm="api", scope="orders:read"`)
	p.Check(t, "GET /orders", 401, "Authorization", "Bearer unknown").Challenges(t,
		`Bearer realm="api", error="invalid_token", error_description="The access token is invalid.", scope="orders:read"`)
	p.Check(t, "GET /orders", 403, "Authorization", token("orders:write")).Challenges(t,
		`Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", scope="orders:read"`)
}

func TestHeadComment(t *testing.T) { exampletest.Start(t, serve).HeadComment(t) }

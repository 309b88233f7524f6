package main

import (
	"testing"

	"github.com/bearerkit/bearerkit/examples/internal/exampletest"
)

func TestProgram(t *testing.T) {
	p := exampletest.Start(t, serve)
	const other = "https://other.example"
	token := "Bearer " + p.Token(t, "ISSUER", "scope", "orders:read")

	preflight := func(origin, method, headers string) exampletest.Answer {
		return p.Check(t, "OPTIONS /orders", 204, "Origin", origin,
			"Access-Control-Request-Method", method, "Access-Control-Request-Headers", headers)
	}
	allowed := preflight(page, "GET", "authorization")
	allowed.Field(t, "Access-Control-Allow-Origin", page)
	allowed.Field(t, "Access-Control-Allow-Methods", "GET")
	allowed.Field(t, "Access-Control-Allow-Headers", "authorization")
	for _, refused := range []exampletest.Answer{
		preflight(other, "GET", "authorization"), preflight(page, "DELETE", "authorization"), preflight(page, "GET", "x-other"),
	} {
		refused.Field(t, "Access-Control-Allow-Origin", "")
	}

	for origin, readable := range map[string]string{page: page, other: ""} {
		p.Check(t, "GET /orders", 200, "Origin", origin, "Authorization", token).
			Field(t, "Access-Control-Allow-Origin", readable)
		refused := p.Check(t, "GET /orders", 401, "Origin", origin)
		refused.Challenges(t, `Bearer realm="api", scope="orders:read"`)
		refused.Field(t, "Access-Control-Allow-Origin", readable)
		refused.Field(t, "Access-Control-Allow-Credentials", "")
	}
	p.Check(t, "GET /orders", 401, "Origin", page).Field(t, "Access-Control-Expose-Headers", "Www-Authenticate, Retry-After")
}

func TestHeadComment(t *testing.T) { exampletest.Start(t, serve).HeadComment(t) }

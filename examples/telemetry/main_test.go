package main

import (
	"testing"

	"github.com/bearerkit/bearerkit/adapters/bearerotel"
	"github.com/bearerkit/bearerkit/examples/internal/exampletest"
)

func TestProgram(t *testing.T) {
	p := exampletest.Start(t, serve)
	p.Check(t, "GET /orders/7", 200, "Authorization", "Bearer "+p.Token(t, "ISSUER", "scope", "orders:read"))
	p.Check(t, "GET /orders/7", 403, "Authorization", "Bearer "+p.Token(t, "ISSUER", "scope", "orders:write"))
	p.Check(t, "GET /orders/7", 401)
	p.Check(t, "GET /metrics", 200).Contains(t,
		`bearerkit_decision_duration_seconds_count{bearerkit_outcome="admitted",bearerkit_scheme="Bearer",http_route="/orders/{id}",`,
		`bearerkit_decision_duration_seconds_count{bearerkit_outcome="insufficient_scope",bearerkit_scheme="Bearer",error_type="scope",http_route="/orders/{id}",`,
		`bearerkit_decision_duration_seconds_count{bearerkit_outcome="missing_credentials",error_type="credentials",http_route="/orders/{id}",`,
		`bearerkit_key_count{bearerkit_issuer_hash="`+bearerotel.IssuerHash(p.Var("ISSUER"))+`",`,
		`http_server_request_duration_seconds_count{bearerkit_check="scope",bearerkit_outcome="insufficient_scope",bearerkit_scheme="Bearer",`,
	)
}

func TestHeadComment(t *testing.T) { exampletest.Start(t, serve).HeadComment(t) }

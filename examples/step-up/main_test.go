package main

import (
	"testing"

	"github.com/bearerkit/bearerkit/examples/internal/exampletest"
)

func TestProgram(t *testing.T) {
	p := exampletest.Start(t, serve)
	token := func(params ...string) string {
		return "Bearer " + p.Token(t, "ISSUER", append(params, "sub", "alice", "scope", "transfers")...)
	}
	const stepUp = `Bearer realm="api", error="insufficient_user_authentication", ` +
		`error_description="The request needs a stronger or more recent authentication of the user.", ` +
		`scope="transfers", acr_values="urn:example:mfa", max_age="300"`
	p.Check(t, "GET /balance", 200, "Authorization", token())
	p.Check(t, "POST /transfers", 200, "Authorization", token("acr", "urn:example:mfa", "auth_age", "10"))
	for name, weak := range map[string]string{
		"no acr":          token("auth_age", "10"),
		"no auth_time":    token("acr", "urn:example:mfa"),
		"a weaker acr":    token("acr", "urn:example:pwd", "auth_age", "10"),
		"an old password": token("acr", "urn:example:mfa", "auth_age", "301"),
	} {
		t.Run(name, func(t *testing.T) {
			p.Check(t, "POST /transfers", 401, "Authorization", weak).Challenges(t, stepUp)
		})
	}
	p.Check(t, "POST /transfers", 401).Challenges(t, `Bearer realm="api", scope="transfers"`)
}

func TestHeadComment(t *testing.T) { exampletest.Start(t, serve).HeadComment(t) }

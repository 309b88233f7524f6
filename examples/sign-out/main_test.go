package main

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/bearerkit/bearerkit/examples/internal/exampletest"
)

func TestProgram(t *testing.T) {
	p := exampletest.Start(t, serve)
	token := func(params ...string) string {
		return p.Token(t, "ISSUER", append(params, "client_id", "shop", "sub", "alice")...)
	}
	signOut := func(token string, status int) {
		t.Helper()
		response, err := http.PostForm(p.Var("API")+"/sign-out", url.Values{"logout_token": {token}})
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode != status {
			t.Errorf("sign-out: %d, want %d", response.StatusCode, status)
		}
	}
	const denied = `Bearer realm="api", error="invalid_token", error_description="The access token is invalid."`
	phone, laptop, other := "Bearer "+token("sid", "phone"), "Bearer "+token("sid", "laptop"), "Bearer "+token()
	p.Check(t, "GET /orders", 200, "Authorization", phone).Body(t, "The orders of alice, in the session phone.\n")
	signOut(token("sid", "phone", "token_format", "logout"), 200)
	p.Check(t, "GET /orders", 401, "Authorization", phone).Challenges(t, denied)
	p.Check(t, "GET /orders", 200, "Authorization", laptop)
	p.Check(t, "GET /orders", 200, "Authorization", other)
	signOut(token("token_format", "logout"), 200) // the user, in all sessions
	p.Check(t, "GET /orders", 401, "Authorization", laptop).Challenges(t, denied)
	p.Check(t, "GET /orders", 401, "Authorization", other).Challenges(t, denied)
	signOut(token("sid", "phone"), 400) // an access token
}

func TestHeadComment(t *testing.T) { exampletest.Start(t, serve).HeadComment(t) }

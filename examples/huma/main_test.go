package main

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/bearerkit/bearerkit/examples/internal/exampletest"
)

func TestProgram(t *testing.T) {
	p := exampletest.Start(t, serve)
	token := func(scopes string) string { return "Bearer " + p.Token(t, "ISSUER", "sub", "alice", "scope", scopes) }
	const scopes = `Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", scope="orders:write"`
	p.Check(t, "GET /orders", 401).Challenges(t, `Bearer realm="api", scope="orders:read"`)
	p.Check(t, "GET /orders", 200, "Authorization", token("orders:read")).
		Body(t, `"The orders, for alice"`+"\n")
	p.Check(t, "DELETE /orders/7", 403, "Authorization", token("orders:read")).Challenges(t, scopes)
	p.Check(t, "DELETE /orders/7", 204, "Authorization", token("admin"))
}

// The document says what each route requires.
func TestDocument(t *testing.T) {
	p := exampletest.Start(t, serve)
	response, err := http.Get(p.Var("API") + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]map[string]struct {
			Security json.RawMessage
		}
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ path, method, want string }{
		{"/orders", "get", `[{"oauth2":["orders:read"]}]`},
		{"/orders/{id}", "delete", `[{"oauth2":["orders:write"]},{"oauth2":["admin"]}]`},
	} {
		if got := string(document.Paths[tt.path][tt.method].Security); got != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.method, tt.path, got, tt.want)
		}
	}
}

func TestHeadComment(t *testing.T) { exampletest.Start(t, serve).HeadComment(t) }

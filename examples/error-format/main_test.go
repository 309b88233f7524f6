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
	token := "Bearer " + p.Token(t, "ISSUER", "sub", "alice", "scope", "orders:read")
	p.Check(t, "GET /orders", 200, "Authorization", token)

	const scopes = `Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", scope="orders:write"`
	p.Check(t, "GET /orders", 401).Challenges(t, `Bearer realm="api", scope="orders:read"`)
	p.Check(t, "DELETE /orders", 403, "Authorization", token).Challenges(t, scopes)
	p.Check(t, "GET /carts", 404)
}

// Each error has the API's format, and those of the guard the ID of the log record.
func TestErrorsHaveOneFormat(t *testing.T) {
	p := exampletest.Start(t, serve)
	for _, tt := range []struct {
		path    string
		status  int
		message string
		traced  bool
	}{
		{"/orders", 401, "The request carries no access token.", true},
		{"/carts", 404, "There is no such page.", false},
	} {
		response, err := http.Get(p.Var("API") + tt.path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Error struct {
				Status         int
				Message, Trace string
			}
		}
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if e := got.Error; e.Status != tt.status || e.Message != tt.message || (e.Trace != "") != tt.traced {
			t.Errorf("%s: %s, want %d %q", tt.path, body, tt.status, tt.message)
		}
		if got := response.Header.Get("Content-Type"); got != "application/json" {
			t.Errorf("%s: Content-Type %q", tt.path, got)
		}
	}
}

func TestHeadComment(t *testing.T) { exampletest.Start(t, serve).HeadComment(t) }

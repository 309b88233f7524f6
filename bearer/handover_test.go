package bearer_test

import (
	"net/http/httptest"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/handover"
	"github.com/bearerkit/bearerkit/scope"
)

// The context of an admitted request has the token for package client. An inner
// anonymous route of another guard hides it, and so does NewContext's absence of
// any token.
func TestHandover(t *testing.T) {
	outer := newRoute(t, bearer.Config{}, bearer.RouteConfig{Rule: scope.None})
	inner := newRoute(t, bearer.Config{}, bearer.RouteConfig{Rule: scope.None, Optional: true})
	r, _, ok := outer.Authenticate(httptest.NewRecorder(), get("Bearer good"))
	if token, found := handover.Token(r.Context()); !ok || found {
		t.Errorf("only authenticated: %q", token)
	}
	r, ok = outer.Admit(httptest.NewRecorder(), r)
	if !ok {
		t.Fatal("the guard refuses")
	}
	if token, found := handover.Token(r.Context()); token != "good" || !found {
		t.Errorf("admitted: %q, %v; want the token", token, found)
	}
	// A token never belongs to another principal than that of FromContext.
	if token, found := handover.Token(bearer.NewContext(r.Context(), bearer.Principal{Subject: "mallory"})); found {
		t.Errorf("NewContext in an admitted request: %q; want none", token)
	}
	if next, _, ok := outer.Authenticate(httptest.NewRecorder(), r); !ok {
		t.Error("the guard refuses the token that it admitted")
	} else if token, found := handover.Token(next.Context()); token != "good" || !found {
		t.Errorf("authenticated again: %q, %v; want the token", token, found)
	}
	r.Header.Del("Authorization")
	if r, ok = inner.Admit(httptest.NewRecorder(), r); !ok {
		t.Fatal("the inner guard refuses")
	}
	if token, found := handover.Token(r.Context()); found {
		t.Errorf("anonymous in an inner route: %q; want none", token)
	}
	if token, found := handover.Token(bearer.NewContext(t.Context(), bearer.Principal{Subject: "alice"})); found {
		t.Errorf("NewContext: %q; want none", token)
	}
}

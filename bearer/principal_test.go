package bearer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// A cache returns the same principal to every request. A handler or a
// requirement that changes it does not affect the next request.
func TestPrincipalOfTheNextRequestIsUnchanged(t *testing.T) {
	cached := alice.WithAMR("pwd", "otp").WithClaims(`{"sub":"alice","roles":["user"],"raw":{"a":"b"}}`)
	spoil := func(p *bearer.Principal) {
		p.Audience()[0], p.AMR()[0] = "spoiled", "spoiled"
		var claims struct {
			Roles []string        `json:"roles"`
			Raw   json.RawMessage `json:"raw"`
		}
		if err := p.Claims(&claims); err != nil {
			t.Error(err)
		}
		claims.Roles[0] = "admin"
		copy(claims.Raw, `{"a":"X"}`)
		p.Subject, p.Issuer, p.Scopes, p.TokenType = "mallory", "evil", scope.Of("admin"), "X"
		p.Confirmation.JKT = "spoiled"
	}
	rt := newRoute(t, bearer.Config{Verifiers: []bearer.Verifier{answering(&cached, nil)}}, bearer.RouteConfig{
		Requirements: []bearer.Requirement{bearer.RequirementFunc(func(_ *http.Request, p *bearer.Principal) error {
			if p.Subject != "alice" || p.Audience()[0] == "spoiled" || p.AMR()[0] == "spoiled" {
				t.Errorf("the next request sees %+v", p)
			}
			spoil(p)
			return nil
		})}})
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 20 {
				got := serve(rt, get("Bearer x"))
				if !got.handedOn {
					t.Errorf("got %d", got.status)
					return
				}
				spoil(&got.principal)
			}
		})
	}
	wait.Wait()
	var claims map[string]any
	if err := cached.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if cached.Subject != "alice" || cached.TokenType != "" || !slices.Equal(cached.AMR(), []string{"pwd", "otp"}) ||
		cached.Audience()[0] != "https://api.example.com" || !cached.Confirmation.IsZero() ||
		claims["roles"].([]any)[0] != "user" || claims["raw"].(map[string]any)["a"] != "b" {
		t.Errorf("the cache holds %+v with claims %v", cached, claims)
	}
}

// A handler that changes its copy does not affect other handlers of the
// request.
func TestFromContextReturnsACopy(t *testing.T) {
	ctx := bearer.NewContext(t.Context(), alice)
	p, _ := bearer.FromContext(ctx)
	p.Subject = "mallory"
	if again, ok := bearer.FromContext(ctx); !ok || again.Subject != "alice" {
		t.Errorf("the context holds %q", again.Subject)
	}
	if p, ok := bearer.FromContext(context.Background()); ok || p.Subject != "" {
		t.Errorf("a bare context holds %+v", p)
	}
}

func TestAcceptedRequestCarriesThePrincipal(t *testing.T) {
	got := serve(newRoute(t, bearer.Config{}, bearer.RouteConfig{Rule: scope.All("orders:read")}), get("bearer good"))
	if !got.known || got.principal.Subject != "alice" || got.principal.TokenType != "Bearer" || got.principal.Issuer != alice.Issuer {
		t.Errorf("got %+v", got.principal)
	}
	if len(got.header) != 0 {
		t.Errorf("an accepted request got header fields %v", got.header) // H12
	}
}

func TestListsOfAPrincipalAreCopiedWhenSet(t *testing.T) {
	audience, amr := []string{"a"}, []string{"pwd"}
	p := bearer.Principal{}.WithAudience(audience...).WithAMR(amr...)
	audience[0], amr[0] = "x", "x"
	if !p.HasAudience("a") || p.HasAudience("x") || p.AMR()[0] != "pwd" {
		t.Errorf("got %v, %v", p.Audience(), p.AMR())
	}
	if q := p.WithAudience("b"); !p.HasAudience("a") || q.HasAudience("a") {
		t.Error("WithAudience changed what it was called on")
	}
}

// Checklist K1, part 2.3: the names of claims are case-sensitive.
func TestClaims(t *testing.T) {
	var v struct {
		Role string `json:"role"`
	}
	if err := (bearer.Principal{}).Claims(&v); err == nil || !strings.HasPrefix(err.Error(), "bearer: ") {
		t.Errorf("without claims: %v", err)
	}
	p := bearer.Principal{}.WithClaims(`{"Role":"admin","ROLE":"admin","other":1}`)
	if err := p.Claims(&v); err != nil || v.Role != "" {
		t.Errorf("got %q, %v", v.Role, err)
	}
	if err := bearer.Principal.Claims(p.WithClaims(`{"role":"a","role":"b"}`), &v); err == nil {
		t.Error("duplicate names are decoded")
	}
	if err := p.WithClaims(`{"role":7}`).Claims(&v); err == nil {
		t.Error("a number is decoded into a string")
	}
}

func TestIsClient(t *testing.T) {
	tests := []struct {
		subject, client string
		want            bool
	}{
		{"alice", "shop", false}, {"shop", "shop", true}, {"", "shop", true}, {"", "", true}, {"alice", "", false},
	}
	for _, tt := range tests {
		if got := (bearer.Principal{Subject: tt.subject, ClientID: tt.client}).IsClient(); got != tt.want {
			t.Errorf("subject %q, client %q: %t", tt.subject, tt.client, got)
		}
		// Reports L14: the verifier's decision takes precedence.
		for _, is := range []bool{true, false} {
			if got := (bearer.Principal{Subject: tt.subject, ClientID: tt.client}).WithClient(is).IsClient(); got != is {
				t.Errorf("subject %q, client %q: %t after WithClient(%t)", tt.subject, tt.client, got, is)
			}
		}
	}
}

// Reports L14: a service account whose subject looks like a user's is refused,
// and so is a token without a user.
func TestSubjectInPathRefusesClients(t *testing.T) {
	requirement := bearer.SubjectInPath("id")
	r := httptest.NewRequest(http.MethodGet, "/users/b6cc7aa0", nil)
	r.SetPathValue("id", "b6cc7aa0")
	p := bearer.Principal{Subject: "b6cc7aa0", ClientID: "worker"}
	tests := []struct {
		name   string
		p      bearer.Principal
		accept bool
	}{
		{"a user", p.WithClient(false), true},
		{"a client", p.WithClient(true), false},
		{"neither a user nor a client", bearer.Principal{ClientID: "worker"}.WithClient(false), false},
	}
	for _, tt := range tests {
		if err := requirement.Check(r, &tt.p); (err == nil) != tt.accept {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// Checklist C15, CVE-2021-21378: bad credentials are never anonymous.
func TestOptionalAuthentication(t *testing.T) {
	rt := newRoute(t, bearer.Config{}, bearer.RouteConfig{
		Rule: scope.All("orders:read"), Optional: true, Requirements: []bearer.Requirement{bearer.SubjectInPath("id")}})
	tests := []struct {
		name   string
		lines  []string
		status int
		known  bool
	}{
		{"no credentials", nil, 200, false},
		{"another scheme", []string{"Basic eDp5"}, 200, false},
		{"good", []string{"Bearer good"}, 200, true},
		{"forged", []string{"Bearer forged"}, 401, false},
		{"expired", []string{"Bearer expired"}, 401, false},
		{"unrecognized", []string{"Bearer unknown"}, 401, false},
		{"bound", []string{"Bearer key-bound"}, 401, false},
		{"malformed", []string{"Bearer"}, 400, false},
		{"two lines", []string{"Bearer good", "Bearer good"}, 400, false},
		{"down", []string{"Bearer down"}, 503, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := get(tt.lines...)
			r.SetPathValue("id", "alice")
			if got := serve(rt, r); got.status != tt.status || got.known != tt.known || got.handedOn != (tt.status == 200) {
				t.Errorf("got %d, principal known %t", got.status, got.known)
			}
		})
	}
	strict := newRoute(t, bearer.Config{}, bearer.RouteConfig{Rule: scope.All("admin"), Optional: true})
	if got := serve(strict, get("Bearer good")); got.status != 403 {
		t.Errorf("too little scope: got %d", got.status)
	}
}

// Part 2.5: a stricter route judges the same token again.
func TestScopesAreJudgedOnEachRoute(t *testing.T) {
	guard := newGuard(t, bearer.Config{})
	loose := guard.MustRoute(bearer.RouteConfig{Rule: scope.All("orders:read")})
	strict := guard.MustRoute(bearer.RouteConfig{Rule: scope.All("admin")})
	for range 2 {
		if a, b := serve(loose, get("Bearer good")).status, serve(strict, get("Bearer good")).status; a != 200 || b != 403 {
			t.Errorf("got %d and %d", a, b)
		}
	}
}

func TestHierarchyOfAGuard(t *testing.T) {
	h, err := scope.NewHierarchy(map[string][]string{"profile": {"email"}})
	if err != nil {
		t.Fatal(err)
	}
	with := newRoute(t, bearer.Config{Hierarchy: h}, bearer.RouteConfig{Rule: scope.All("email")})
	if got := serve(with, get("Bearer good")); got.status != 200 || got.principal.Scopes.Has("email") {
		t.Errorf("got %d and scopes %q; the token's scopes stay as they are", got.status, got.principal.Scopes)
	}
	without := newRoute(t, bearer.Config{}, bearer.RouteConfig{Rule: scope.All("email")})
	if got := serve(without, get("Bearer good")).status; got != 403 {
		t.Errorf("without a hierarchy: got %d", got)
	}
}

// The context of a principal behaves like any other: it ends with its parent,
// has the parent's values, and prints the parent without the principal.
func TestPrincipalContext(t *testing.T) {
	type key struct{}
	cause := errors.New("gone")
	parent, cancel := context.WithCancelCause(context.WithValue(t.Context(), key{}, "value"))
	outer := bearer.NewContext(parent, bearer.Principal{Subject: "alice-the-user"})
	inner, stop := context.WithTimeout(bearer.NewContext(outer, bearer.Principal{Subject: "bob-the-user"}), time.Hour)
	defer stop()
	for want, ctx := range map[string]context.Context{"alice-the-user": outer, "bob-the-user": inner} {
		p, ok := bearer.FromContext(ctx)
		if !ok || p.Subject != want {
			t.Errorf("%q, %t, want %q", p.Subject, ok, want)
		}
		if ctx.Value(key{}) != "value" {
			t.Errorf("%s: the parent's value is %v", want, ctx.Value(key{}))
		}
		if text := fmt.Sprintf("%v %+v %s", ctx, ctx, ctx); strings.Contains(text, "-the-user") {
			t.Errorf("printed: %s", text)
		}
	}
	if _, ok := bearer.FromContext(parent); ok {
		t.Error("the parent has a principal")
	}
	if p, ok := bearer.FromContext(context.WithoutCancel(inner)); !ok || p.Subject != "bob-the-user" {
		t.Errorf("without cancellation: %q, %t", p.Subject, ok)
	}
	cancel(cause)
	for _, ctx := range []context.Context{outer, inner} {
		<-ctx.Done()
		if context.Cause(ctx) != cause {
			t.Errorf("the cause is %v", context.Cause(ctx))
		}
	}
}

// M3, C10: a caller of Verify must see any binding.
func TestConfirmationIsZero(t *testing.T) {
	for _, c := range []bearer.Confirmation{{JKT: "a"}, {X5TS256: "a"}, {Other: true}} {
		if c.IsZero() {
			t.Errorf("%+v passes for none", c)
		}
	}
	if !(bearer.Confirmation{}).IsZero() {
		t.Error("the zero Confirmation is a binding")
	}
}

package bearer_test

import (
	"context"
	"fmt"
	"math"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

func TestRolesOfAPrincipal(t *testing.T) {
	given := []string{"viewer", "", "admin", "viewer"}
	p := alice.WithRoles(given...)
	given[2] = "owner"
	if got := p.Roles(); !slices.Equal(got, []string{"admin", "viewer"}) {
		t.Errorf("roles %q", got)
	}
	p.Roles()[0] = "owner"
	for name, want := range map[string]bool{"admin": true, "viewer": true, "owner": false, "Admin": false, "adm": false, "": false} {
		if p.HasRole(name) != want {
			t.Errorf("HasRole(%q) is %t", name, !want)
		}
	}
	if alice.HasRole("admin") || alice.Roles() != nil || p.WithRoles("").HasRole("") {
		t.Error("a principal has a role that nobody gave it")
	}
	if text := fmt.Sprintf("%+v", p); strings.Contains(text, "viewer") {
		t.Errorf("printing shows the roles: %s", text)
	}
}

// withRoles is a verifier of alice with these roles.
func withRoles(roles ...string) bearer.Config {
	p := alice.WithRoles(roles...)
	return bearer.Config{Verifiers: []bearer.Verifier{answering(&p, nil)}}
}

// RFC 6750, Section 3.1: insufficient_scope is for a token whose scopes do not
// suffice. No scope replaces a role, so a missing role is a plain 403.
func TestRoles(t *testing.T) {
	tests := []struct {
		name          string
		roles         []string
		requirement   bearer.Requirement
		expected, got string // of the refusal; empty: the request is admitted
	}{
		{"the role", []string{"admin"}, bearer.Role("admin"), "", ""},
		{"one of the roles", []string{"b"}, bearer.AnyRole("a", "b"), "", ""},
		{"no roles", nil, bearer.Role("admin"), `the role "admin"`, "none"},
		{"another case", []string{"Admin"}, bearer.Role("admin"), `the role "admin"`, `"Admin"`},
		{"none of the roles", []string{"c", "d"}, bearer.AnyRole("a", "b"), `one of the roles "a" or "b"`, `"c" and "d"`},
		{"five other roles", []string{"1", "2", "3", "4", "5"}, bearer.Role("a"), `the role "a"`, `"1", "2", "3", "4" and "5"`},
		{"six other roles", []string{"1", "2", "3", "4", "5", "6"}, bearer.Role("a"), `the role "a"`, `"1", "2", "3", "4" and "5" and 1 more`},
		{"many other roles", []string{"1", "2", "3", "4", "5", "6", "7"}, bearer.Role("a"), `the role "a"`, `"1", "2", "3", "4" and "5" and 2 more`},
		{"a role with a line break", []string{"a\nb"}, bearer.Role("a"), `the role "a"`, `"a\nb"`},
		{"a scope with the role's name", nil, bearer.Role("profile"), `the role "profile"`, "none"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log eventLog
			rt := newRoute(t, log.config(withRoles(tt.roles...)), bearer.RouteConfig{
				Rule: scope.All("profile"), Requirements: []bearer.Requirement{tt.requirement},
			})
			got := serve(rt, get("Bearer x"))
			if tt.expected == "" {
				if !got.handedOn || !slices.Equal(got.principal.Roles(), tt.roles) {
					t.Errorf("got %d, roles %q", got.status, got.principal.Roles())
				}
				return
			}
			const body = `{"status":403,"error_description":"The request is not allowed.","request_id":"id-1"}` + "\n"
			if got.status != 403 || got.handedOn || got.challenge() != "" || got.body != body {
				t.Errorf("got %d %q %s", got.status, got.challenge(), got.body)
			}
			record, e := log.only(t)
			if e.Code != bearer.CodeForbidden || e.Check != "role" || e.Expected != tt.expected || e.Got != tt.got || e.Subject != "alice" ||
				!strings.Contains(e.Hint, "Profile.Roles") || record["got"] != tt.got {
				t.Errorf("event %+v", e)
			}
		})
	}
}

// Concealing a role's route (RFC 9110, Section 15.5.4).
func TestHiddenRole(t *testing.T) {
	for name, r := range map[string]bearer.Requirement{
		"role":         bearer.Role("admin"),
		"scope":        bearer.Scope(scope.All("admin")),
		"alternatives": bearer.AnyOf(bearer.Scope(scope.All("admin")), bearer.Role("admin")),
	} {
		rt := newRoute(t, bearer.Config{}, bearer.RouteConfig{Requirements: []bearer.Requirement{bearer.Hidden(r)}})
		if got := serve(rt, get("Bearer good")); got.status != 404 || got.challenge() != "" || strings.Contains(got.body, "admin") {
			t.Errorf("%s: got %d %q %s, want 404", name, got.status, got.challenge(), got.body)
		}
	}
}

// A principal that a cache shares is the same after built-in requirements, which
// get no copy of it, and the error of a refusal has a copy.
func TestBuiltInRequirementsShareNoPrincipal(t *testing.T) {
	p := alice.WithRoles("viewer").WithClaims(`{"tenant":"acme"}`)
	config := bearer.Config{Verifiers: []bearer.Verifier{answering(&p, nil)}}
	for _, r := range []bearer.Requirement{
		bearer.Role("admin"), bearer.Claim("/tenant", "x"), bearer.Scope(scope.All("admin")),
		bearer.AnyOf(bearer.Role("admin"), bearer.Scope(scope.All("admin"))), bearer.SubjectInPath("id"),
	} {
		d := newRoute(t, config, bearer.RouteConfig{Requirements: []bearer.Requirement{r}}).Decide(get("Bearer x"))
		e, ok := d.Err().(*bearer.Error)
		if !ok || e.Principal == nil || e.Principal == &p || e.Principal.Subject != "alice" {
			t.Errorf("%T: %v", r, d.Err())
		}
	}
}

// A route with built-in requirements allocates nothing for them.
func TestRolesCostNoAllocation(t *testing.T) {
	p := alice.WithRoles("admin", "viewer").WithClaims(`{"tenant":["globex","acme"],"realm_access":{"roles":["admin"]}}`)
	config := bearer.Config{Verifiers: []bearer.Verifier{answering(&p, nil)}}
	count := func(r ...bearer.Requirement) float64 {
		rt := newRoute(t, config, bearer.RouteConfig{Requirements: r})
		w, request := httptest.NewRecorder(), get("Bearer x")
		// The minimum of several runs: the race detector makes a sync.Pool drop
		// items at random.
		least := math.Inf(1)
		for range 50 {
			least = min(least, testing.AllocsPerRun(1, func() {
				if _, ok := rt.Admit(w, request); !ok {
					t.Fatal("refused")
				}
			}))
		}
		return least
	}
	none := count()
	for name, r := range map[string]bearer.Requirement{
		"Role":    bearer.Role("admin"),
		"AnyRole": bearer.AnyRole("owner", "viewer"),
		"Claim":   bearer.Claim("/tenant", "acme"),
		"AnyOf":   bearer.AnyOf(bearer.Scope(scope.All("admin")), bearer.Role("admin")),
	} {
		if n := count(r); n != none {
			t.Errorf("%s: %v allocations, want %v", name, n, none)
		}
	}
}

// The roles of Both are those that both verifiers grant.
func TestBothNarrowsRoles(t *testing.T) {
	says := func(p bearer.Principal) bearer.Verifier {
		return bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) { return &p, nil })
	}
	first := bearer.Principal{Subject: "alice"}.WithRoles("admin", "viewer")
	silent := bearer.Principal{Subject: "alice"}
	for _, tt := range []struct {
		name   string
		second bearer.Principal
		want   []string
	}{
		{"fewer and others", silent.WithRoles("viewer", "owner"), []string{"viewer"}},
		{"none, and the claim is there", silent.WithStated(bearer.StatedRoles), nil},
		{"none, and there is no claim", silent, []string{"admin", "viewer"}},
	} {
		p, err := bearer.Both(says(first), says(tt.second)).Verify(t.Context(), "token")
		if err != nil || !slices.Equal(p.Roles(), tt.want) {
			t.Errorf("%s: roles %q, %v; want %q", tt.name, p.Roles(), err, tt.want)
		}
		for _, name := range []string{"admin", "viewer", "owner"} {
			if p.HasRole(name) != slices.Contains(tt.want, name) {
				t.Errorf("%s: HasRole(%q) is %t", tt.name, name, p.HasRole(name))
			}
		}
	}
	if !first.HasRole("admin") {
		t.Error("the verifier's own principal was changed")
	}
}

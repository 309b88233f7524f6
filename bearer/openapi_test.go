package bearer_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// OpenAPI 3.1.0, Section 4.8.30: only one of the objects in the list needs to be
// satisfied, and for oauth2 the value is the list of scopes; an empty object makes
// security optional.
func TestOpenAPISecurity(t *testing.T) {
	admin := bearer.AnyOf(bearer.Scope(scope.All("admin")), bearer.Role("admin"))
	tests := []struct {
		name     string
		config   bearer.RouteConfig
		scopes   string
		security string
	}{
		{"no scope", bearer.RouteConfig{Rule: scope.None}, "", `[{"oauth2":[]}]`},
		{"all", bearer.RouteConfig{Rule: scope.All("b", "a")}, "a b", `[{"oauth2":["a","b"]}]`},
		{"any", bearer.RouteConfig{Rule: scope.Any("b", "a")}, "b", `[{"oauth2":["b"]},{"oauth2":["a"]}]`},
		{"optional", bearer.RouteConfig{Rule: scope.All("a"), Optional: true}, "a", `[{"oauth2":["a"]},{}]`},
		{"a role", bearer.RouteConfig{Rule: scope.All("a"), Requirements: []bearer.Requirement{bearer.Role("admin")}},
			"a", `[{"oauth2":["a"]}]`},
		{"a scope or a role", bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{admin}},
			"admin", `[{"oauth2":["admin"]},{"oauth2":[]}]`},
		{"a rule, and a scope or a role", bearer.RouteConfig{Rule: scope.Any("a", "b"), Requirements: []bearer.Requirement{bearer.Hidden(admin)}},
			"a admin", `[{"oauth2":["a","admin"]},{"oauth2":["a"]},{"oauth2":["admin","b"]},{"oauth2":["b"]}]`},
		{"one of two rules, and a step-up", bearer.RouteConfig{Rule: scope.All("a"), Requirements: []bearer.Requirement{
			bearer.Scope(scope.Any("b", "c")), bearer.StepUp{ACR: []string{"mfa"}}}},
			"a b", `[{"oauth2":["a","b"]},{"oauth2":["a","c"]}]`},
		{"the same alternatives twice", bearer.RouteConfig{Rule: scope.Any("a", "b"), Requirements: []bearer.Requirement{bearer.Scope(scope.Any("a", "b"))}},
			"a", `[{"oauth2":["a"]},{"oauth2":["a","b"]},{"oauth2":["b"]}]`},
		{"the same twice", bearer.RouteConfig{Rule: scope.All("a"), Requirements: []bearer.Requirement{bearer.Scope(scope.All("a"))}},
			"a", `[{"oauth2":["a"]}]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			route := newGuard(t, bearer.Config{}).MustRoute(tt.config)
			if got := route.Scopes().String(); got != tt.scopes {
				t.Errorf("scopes %q, want %q", got, tt.scopes)
			}
			got, err := json.Marshal(route.OpenAPISecurity("oauth2"))
			if err != nil || string(got) != tt.security {
				t.Errorf("%s, %v; want %s", got, err, tt.security)
			}
		})
	}
}

// A group's scopes belong to each of its routes. A hierarchy adds no alternatives.
func TestOpenAPISecurityOfAGroup(t *testing.T) {
	hierarchy, err := scope.NewHierarchy(map[string][]string{"root": {"api"}})
	if err != nil {
		t.Fatal(err)
	}
	api := newGuard(t, bearer.Config{Hierarchy: hierarchy}).With(scope.All("api"))
	route := api.MustRoute(bearer.RouteConfig{Rule: scope.Any("write", "admin")})
	got, err := json.Marshal(route.OpenAPISecurity("company SSO"))
	if want := `[{"company SSO":["api","write"]},{"company SSO":["admin","api"]}]`; err != nil || string(got) != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
}

func TestOpenAPISecurityWithoutARoute(t *testing.T) {
	for _, route := range []*bearer.Route{nil, {}} {
		if got := route.OpenAPISecurity("oauth2"); got != nil || !route.Scopes().IsEmpty() {
			t.Errorf("%v, %v", got, route.Scopes())
		}
	}
	route := newGuard(t, bearer.Config{}).MustRoute(bearer.RouteConfig{Rule: scope.All("a")})
	if got := route.OpenAPISecurity(""); got != nil {
		t.Errorf("without a scheme: %v", got)
	}
}

// Requirements with alternatives multiply them. The list is bounded, and what it
// says then is still true.
func TestOpenAPISecurityIsBounded(t *testing.T) {
	var requirements []bearer.Requirement
	want := map[string][]string{"oauth2": {}}
	for i := range 40 {
		first, second := fmt.Sprintf("%02d.a", i), fmt.Sprintf("%02d.b", i)
		requirements = append(requirements, bearer.AnyOf(bearer.Scope(scope.Any(first, second)), bearer.Role("admin")))
		want["oauth2"] = append(want["oauth2"], first)
	}
	route := newGuard(t, bearer.Config{}).MustRoute(bearer.RouteConfig{Rule: scope.None, Requirements: requirements, Optional: true})
	got := route.OpenAPISecurity("oauth2")
	if len(got) != 2 || !maps.EqualFunc(got[0], want, slices.Equal) || len(got[1]) != 0 {
		t.Errorf("%v, want %v and an empty object", got, want)
	}
	route = newGuard(t, bearer.Config{}).MustRoute(bearer.RouteConfig{Rule: scope.None, Requirements: requirements[:5]})
	if got := route.OpenAPISecurity("oauth2"); len(got) != 243 { // 3 to the power of 5
		t.Errorf("%d alternatives", len(got))
	}
	var names []string
	for i := range 256 {
		names = append(names, fmt.Sprintf("%03d", i))
	}
	for scopes, want := range map[int]int{255: 256, 256: 1} { // and the role
		either := bearer.AnyOf(bearer.Scope(scope.Any(names[:scopes]...)), bearer.Role("admin"))
		route := newGuard(t, bearer.Config{}).MustRoute(bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{either}})
		if got := route.OpenAPISecurity("oauth2"); len(got) != want {
			t.Errorf("%d scopes or a role: %d alternatives, want %d", scopes, len(got), want)
		}
	}
}

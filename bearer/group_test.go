package bearer_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// RFC 6750, Section 3: the scope attribute is what a client must request, so a
// challenge of a group's route names the scopes of the group and of the route.
func TestWithRequiresBothRules(t *testing.T) {
	none := bearer.RequirementFunc(func(*http.Request, *bearer.Principal) error { return nil })
	tests := []struct {
		name      string
		group     func(*bearer.Guard) *bearer.Guard
		route     scope.Rule
		granted   scope.Set
		status    int
		challenge string // its scope parameter
		expected  string // in the log record
	}{
		{"both", with(scope.All("api")), scope.All("write"), scope.Of("api", "write"), 200, "", ""},
		{"only the group's", with(scope.All("api")), scope.All("write"), scope.Of("api"), 403, "api write", "(all of api) and (all of write)"},
		{"only the route's", with(scope.All("api")), scope.All("write"), scope.Of("write"), 403, "api write", "(all of api) and (all of write)"},
		{"the route needs none", with(scope.All("api")), scope.None, scope.Of("write"), 403, "api", "all of api"},
		{"the group needs none", with(scope.None, none), scope.All("write"), scope.Of("api"), 403, "write", "all of write"},
		{"neither needs any", with(scope.None), scope.None, scope.Set{}, 200, "", ""},
		{"a group in a group", func(g *bearer.Guard) *bearer.Guard { return g.With(scope.All("api")).With(scope.All("admin")) },
			scope.All("write"), scope.Of("api", "write"), 403, "admin api write", "((all of api) and (all of admin)) and (all of write)"},
		{"alternatives", with(scope.Any("api", "root")), scope.All("write"), scope.Of("root", "write"), 200, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log eventLog
			guard := newGuard(t, log.config(bearer.Config{Verifiers: []bearer.Verifier{granting(tt.granted)}}))
			route := tt.group(guard).MustRoute(bearer.RouteConfig{Rule: tt.route})
			got := serve(route, get("Bearer token"))
			if got.status != tt.status {
				t.Fatalf("status %d, want %d", got.status, tt.status)
			}
			if tt.status == 200 {
				return
			}
			want := `Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", scope="` + tt.challenge + `"`
			if c := got.challenge(); c != want {
				t.Errorf("challenge %s, want %s", c, want)
			}
			if record, _ := log.only(t); record["expected"] != tt.expected {
				t.Errorf("the log expects %q, want %q", record["expected"], tt.expected)
			}
		})
	}
}

func granting(granted scope.Set) bearer.Verifier {
	return bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) {
		p := alice
		p.Scopes = granted
		return &p, nil
	})
}

func with(rule scope.Rule, requirements ...bearer.Requirement) func(*bearer.Guard) *bearer.Guard {
	return func(g *bearer.Guard) *bearer.Guard { return g.With(rule, requirements...) }
}

// A group's middleware and a route of the group judge a request once: the token
// is verified once, and its proof is used once.
func TestWithIsTheSameGuard(t *testing.T) {
	var c counting
	guard := newGuard(t, c.config())
	api := guard.With(scope.All("outer"))
	outer := api.MustRoute(bearer.RouteConfig{Rule: scope.None})
	inner := api.With(scope.All("inner")).MustRoute(bearer.RouteConfig{Rule: scope.None})
	plain := guard.MustRoute(bearer.RouteConfig{Rule: scope.All("inner")})
	for _, routes := range [][]*bearer.Route{{outer, inner}, {inner, outer}, {outer, plain}, {plain, inner}} {
		c = counting{}
		if got := pass(dpopRequest("bound"), nil, routes...); got.status != 200 {
			t.Errorf("status %d: %s", got.status, got.body)
		}
		if len(c.verified) != 1 || c.denied != 1 || c.proofs.used != 1 {
			t.Errorf("verified %d times, %d questions to the deny list, %d uses of the proof; want one each", len(c.verified), c.denied, c.proofs.used)
		}
	}
}

func TestWithChecksItsRequirementsFirst(t *testing.T) {
	var asked []string
	requirement := func(name string) bearer.Requirement {
		return bearer.RequirementFunc(func(*http.Request, *bearer.Principal) error {
			asked = append(asked, name)
			return nil
		})
	}
	group := []bearer.Requirement{requirement("group")}
	api := newGuard(t, bearer.Config{}).With(scope.None, group...)
	group[0] = requirement("changed later")
	route := api.MustRoute(bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{requirement("route")}})
	if got := serve(route, get("Bearer good")); got.status != 200 {
		t.Fatalf("status %d", got.status)
	}
	if want := []string{"group", "route"}; !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}

	// RFC 9470: a step-up comes before every policy, whichever has it.
	asked = nil
	route = api.MustRoute(bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{bearer.StepUp{ACR: []string{"mfa"}}}})
	if got := serve(route, get("Bearer good")); got.status != 401 || len(asked) != 0 {
		t.Errorf("status %d after asking %q; want 401 before asking anything", got.status, asked)
	}
}

func TestWithReportsMistakesAtTheRoute(t *testing.T) {
	guard := newGuard(t, bearer.Config{})
	_, err := guard.With(scope.Rule{}, nil).With(scope.All("a b")).Route(bearer.RouteConfig{Rule: scope.None})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"Guard.With: rule: scope: no rule", "Guard.With: requirements[0]: ", `"a b"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q lacks %q", err, want)
		}
	}
	if _, err := guard.With(scope.All("api")).Route(bearer.RouteConfig{}); err == nil {
		t.Error("a route without a rule is accepted in a group")
	}
	for _, unbuilt := range []*bearer.Guard{nil, {}} {
		if _, err := unbuilt.With(scope.None).Route(bearer.RouteConfig{Rule: scope.None}); err == nil || !strings.Contains(err.Error(), "New did not build this Guard") {
			t.Errorf("a group of a guard that New did not build gives %v", err)
		}
	}
}

// An optional route of a group admits anonymous requests; a token must still
// satisfy the group.
func TestWithAndOptional(t *testing.T) {
	api := newGuard(t, bearer.Config{}).With(scope.All("api"))
	route := api.MustRoute(bearer.RouteConfig{Rule: scope.None, Optional: true})
	if got := serve(route, get()); got.status != 200 || got.known {
		t.Errorf("anonymous: status %d, a principal: %v", got.status, got.known)
	}
	if got := serve(route, get("Bearer good")); got.status != 403 {
		t.Errorf("a token without the group's scope: status %d, want 403", got.status)
	}
}

// Like a route, a group does not change if the caller changes a StepUp later.
func TestWithKeepsItsStepUp(t *testing.T) {
	weak := bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) {
		return &bearer.Principal{Subject: "alice", ACR: "password"}, nil
	})
	guard := newGuard(t, bearer.Config{Verifiers: []bearer.Verifier{weak}})
	acr, byPointer := []string{"mfa"}, &bearer.StepUp{ACR: []string{"mfa"}}
	groups := []*bearer.Guard{
		guard.With(scope.None, bearer.StepUp{ACR: acr}),
		guard.With(scope.None, byPointer),
		guard.With(scope.None).With(scope.None, bearer.StepUp{ACR: acr}),
		guard.With(scope.None, byPointer).With(scope.None),
	}
	acr[0], byPointer.ACR[0] = "password", "password"
	for i, api := range groups {
		route := api.MustRoute(bearer.RouteConfig{Rule: scope.None})
		if got := serve(route, get("Bearer good")); got.status != 401 || !strings.Contains(got.challenge(), `acr_values="mfa"`) {
			t.Errorf("group %d: status %d, challenge %q; want a challenge for mfa", i, got.status, got.challenge())
		}
	}
}

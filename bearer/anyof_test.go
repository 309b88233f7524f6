package bearer_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

func scopeOrRole() bearer.Requirement {
	return bearer.AnyOf(bearer.Role("admin"), bearer.Scope(scope.All("admin")))
}

// RFC 6750, Section 3.1: "If the response … includes the scope attribute, it lists
// the scope necessary to access the protected resource". A token with the scope
// would do, so the refusal is insufficient_scope and names it.
func TestScopeOrRole(t *testing.T) {
	const challenge = `Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", scope="admin profile"`
	const body = `{"status":403,"error":"insufficient_scope","error_description":"The access token lacks a scope that the request needs.","scope":"admin profile","request_id":"id-1"}` + "\n"
	var log eventLog
	route := bearer.RouteConfig{Rule: scope.All("profile"), Requirements: []bearer.Requirement{scopeOrRole()}}

	got := serve(newRoute(t, log.config(withRoles("viewer")), route), get("Bearer x"))
	if got.status != 403 || got.challenge() != challenge || got.body != body {
		t.Errorf("got %d\n%s\n%s", got.status, got.challenge(), got.body)
	}
	record, e := log.only(t)
	if e.Check != "any of" || e.Expected != `role: the role "admin", or scope: all of admin` ||
		e.Got != `role: "viewer", scope: orders:read profile` || e.Hint == "" || e.Subject != "alice" || record["code"] != "insufficient_scope" {
		t.Errorf("event %+v", e)
	}

	if got := serve(newRoute(t, withRoles("admin"), route), get("Bearer x")); !got.handedOn {
		t.Errorf("with the role: %d", got.status)
	}
	p := alice
	p.Scopes = scope.Of("admin", "profile")
	if got := serve(newRoute(t, bearer.Config{Verifiers: []bearer.Verifier{answering(&p, nil)}}, route), get("Bearer x")); !got.handedOn {
		t.Errorf("with the scope: %d", got.status)
	}
	// A client without a token learns which scope to request.
	got = serve(newRoute(t, bearer.Config{}, route), get())
	if got.status != 401 || got.challenge() != `Bearer realm="api", scope="admin profile"` {
		t.Errorf("without a token: %d %s", got.status, got.challenge())
	}
}

// The guard's hierarchy applies to a Scope, however deep.
func TestScopeFollowsTheHierarchy(t *testing.T) {
	h, err := scope.NewHierarchy(map[string][]string{"profile": {"profile:read"}})
	if err != nil {
		t.Fatal(err)
	}
	config := withRoles()
	config.Hierarchy = h
	need := bearer.Scope(scope.All("profile:read"))
	for _, r := range []bearer.Requirement{need, bearer.AnyOf(need), bearer.Hidden(bearer.AnyOf(bearer.Role("x"), bearer.AnyOf(need)))} {
		if got := serve(newRoute(t, config, bearer.RouteConfig{Requirements: []bearer.Requirement{r}}), get("Bearer x")); !got.handedOn {
			t.Errorf("%T: got %d", r, got.status)
		}
	}
}

// The refusal of a Scope that a RequirementFunc asks names the scope too, next to
// those of outer routes.
func TestScopeInAFunction(t *testing.T) {
	r := bearer.RequirementFunc(func(r *http.Request, p *bearer.Principal) error {
		return bearer.Scope(scope.All("orders:"+strings.ToLower(r.Method))).Check(r, p)
	})
	guard := newGuard(t, bearer.Config{})
	outer := guard.MustRoute(bearer.RouteConfig{Rule: scope.All("profile")})
	inner := guard.MustRoute(bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{r}})
	passed := serve(outer, get("Bearer good"))
	got := serve(inner, passed.request)
	if got.status != 403 || !strings.HasSuffix(got.challenge(), `scope="orders:get profile"`) {
		t.Errorf("got %d %s", got.status, got.challenge())
	}
}

// The answer if no alternative is satisfied. An outage is never a refusal.
func TestAnyOfAnswers(t *testing.T) {
	down := refusing(bearer.Unavailable(errors.New("no database"), 0))
	scoped := bearer.Scope(scope.All("admin"))
	closed := refusing(bearer.Forbid("Closed."))
	tests := []struct {
		name         string
		alternatives []bearer.Requirement
		status       int
		code         bearer.Code
		check        string
	}{
		{"roles only", []bearer.Requirement{bearer.Role("a"), bearer.AnyRole("b", "c")}, 403, bearer.CodeForbidden, "any of"},
		{"a role and a claim", []bearer.Requirement{bearer.Role("a"), bearer.Claim("/b", true)}, 403, bearer.CodeForbidden, "any of"},
		{"one role", []bearer.Requirement{bearer.Role("a")}, 403, bearer.CodeForbidden, "role"},
		{"an outage among others", []bearer.Requirement{scoped, bearer.Role("a"), down}, 503, bearer.CodeUnavailable, "policy"},
		{"an outage, and a role that is there", []bearer.Requirement{down, bearer.Role("viewer")}, 200, "", ""},
		{"a policy after the scope", []bearer.Requirement{scoped, closed}, 403, bearer.CodeInsufficientScope, "any of"},
		{"a policy before the scope", []bearer.Requirement{closed, scoped}, 403, bearer.CodeInsufficientScope, "any of"},
		{"a policy that conceals", []bearer.Requirement{scoped, refusing(&bearer.Error{Code: bearer.CodeNotFound})}, 404, bearer.CodeNotFound, "any of"},
		{"the subject in the path", []bearer.Requirement{bearer.SubjectInPath("id"), bearer.Role("viewer")}, 200, "", ""},
		{"nested", []bearer.Requirement{bearer.AnyOf(bearer.Role("a"), bearer.Role("viewer")), down}, 200, "", ""},
	}
	for _, tt := range tests {
		var log eventLog
		rt := newRoute(t, log.config(withRoles("viewer")), bearer.RouteConfig{Requirements: []bearer.Requirement{bearer.AnyOf(tt.alternatives...)}})
		got := serve(rt, get("Bearer x"))
		if got.status != tt.status {
			t.Errorf("%s: got %d, want %d", tt.name, got.status, tt.status)
		}
		if tt.status == 200 {
			continue
		}
		if _, e := log.only(t); e.Code != tt.code || e.Check != tt.check {
			t.Errorf("%s: event %+v", tt.name, e)
		}
		if named := strings.Contains(got.challenge(), `scope="admin"`); named != (tt.code == bearer.CodeInsufficientScope) {
			t.Errorf("%s: challenge %q", tt.name, got.challenge())
		}
	}
}

// AnyOf asks the alternatives that read only the token first, so it calls no
// policy, which may be slow, if one of them is satisfied.
func TestAnyOfAsksTheTokenFirst(t *testing.T) {
	p := alice.WithRoles("viewer").WithClaims(`{"tenant":"acme"}`)
	asked := 0
	policy := bearer.RequirementFunc(func(*http.Request, *bearer.Principal) error { asked++; return nil })
	for name, r := range map[string]bearer.Requirement{
		"role": bearer.Role("viewer"), "claim": bearer.Claim("/tenant", "acme"), "scope": bearer.Scope(scope.All("profile")),
	} {
		rt := newRoute(t, bearer.Config{Verifiers: []bearer.Verifier{answering(&p, nil)}}, bearer.RouteConfig{Requirements: []bearer.Requirement{bearer.AnyOf(policy, r)}})
		if got := serve(rt, get("Bearer x")); got.status != 200 || asked != 0 {
			t.Errorf("%s: %d, the policy was asked %d times", name, got.status, asked)
		}
	}
}

// The log has the text of a policy's error, and the client does not.
func TestAnyOfLogsTheCauses(t *testing.T) {
	var log eventLog
	rt := newRoute(t, log.config(withRoles()), bearer.RouteConfig{
		Requirements: []bearer.Requirement{bearer.AnyOf(bearer.Role("a"), refusing(errors.New("office hours are over")))},
	})
	got := serve(rt, get("Bearer x"))
	if _, e := log.only(t); e.Cause != "office hours are over" || e.Expected != `role: the role "a", or policy` {
		t.Errorf("event %+v", e)
	}
	if got.status != 403 || strings.Contains(got.body, "office") {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

// AnyOf without alternatives, which a route reports, refuses everything.
func TestAnyOfNothing(t *testing.T) {
	if err := bearer.AnyOf().Check(get(), &bearer.Principal{Subject: "alice"}); err == nil {
		t.Error("accepted")
	}
}

// The log says what each alternative got, if the alternative says it.
func TestAnyOfLogsWhatItGot(t *testing.T) {
	silent := &bearer.Error{Code: bearer.CodeForbidden, Check: "silent", Expected: "a"}
	loud := &bearer.Error{Code: bearer.CodeForbidden, Check: "loud", Expected: "b", Got: "c"}
	err := bearer.AnyOf(refusing(silent), refusing(loud)).Check(get(), &bearer.Principal{})
	if e, ok := errors.AsType[*bearer.Error](err); !ok || e.Expected != "silent: a, or loud: b" || e.Got != "loud: c" {
		t.Errorf("%+v", err)
	}
}

// AnyOf copies its alternatives.
func TestAnyOfIsCopied(t *testing.T) {
	alternatives := []bearer.Requirement{bearer.Role("admin")}
	r := bearer.AnyOf(alternatives...)
	names := []string{"admin"}
	q := bearer.AnyRole(names...)
	alternatives[0], names[0] = bearer.Role("viewer"), "viewer"
	rt := newRoute(t, withRoles("viewer"), bearer.RouteConfig{Requirements: []bearer.Requirement{r, q}})
	if got := serve(rt, get("Bearer x")); got.status != 403 {
		t.Errorf("got %d", got.status)
	}
}

func TestRouteReportsMistakesInRoles(t *testing.T) {
	_, err := newGuard(t, bearer.Config{}).Route(bearer.RouteConfig{
		Rule: scope.None,
		Requirements: []bearer.Requirement{
			bearer.AnyRole(), bearer.Role(""), bearer.AnyRole("a", ""), bearer.AnyOf(),
			bearer.AnyOf(nil, bearer.Role(""), bearer.StepUp{ACR: []string{"mfa"}}, bearer.Hidden(bearer.Role("a")), bearer.AnyOf(&bearer.StepUp{ACR: []string{"a"}})),
			bearer.Scope(scope.None), bearer.Scope(scope.Rule{}), bearer.Scope(scope.All("a").Or(scope.None)),
			bearer.Claim("tenant", "acme"), bearer.Claim("/tenant", ""), bearer.Claim("/resource_access/{client}", 1),
			bearer.Hidden(bearer.Role("")), bearer.Hidden(bearer.AnyOf()),
		},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"[0]: AnyRole without", "[1]: a role with an empty name", "[2]: a role with an empty name", "[3]: AnyOf without",
		"[4]: AnyOf[0]: a nil", "AnyOf[1]: a role", "AnyOf[2]: a StepUp", "AnyOf[3]: Hidden", "AnyOf[4]: AnyOf[0]: a StepUp",
		"[5]: Scope with a rule that every", "[6]: Scope: scope: no rule", "[7]: Scope with",
		`[8]: Claim "tenant" is not a JSON pointer; want "/tenant"`, `[9]: Claim "/tenant" with an empty value`, `[10]: Claim "/resource_access/{client}" contains the placeholder`,
		"[11]: a role with", "[12]: AnyOf without",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %s:\n%v", want, err)
		}
	}
}

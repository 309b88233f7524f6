package bearer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// refusing is a requirement that always returns this error.
func refusing(err error) bearer.Requirement {
	return bearer.RequirementFunc(func(*http.Request, *bearer.Principal) error { return err })
}

// Checklist C6, H9: the answer to each error of a requirement.
func TestRequirementAnswers(t *testing.T) {
	const fixed, hidden = "The request is not allowed.", "The resource does not exist."
	const secret = "row 17 of table secrets"
	lacking, _ := errors.AsType[*bearer.Error](bearer.Scope(scope.All("admin")).Check(nil, &alice))
	lacking.Code = bearer.CodeMisconfigured
	tests := []struct {
		name           string
		err            error
		status         int
		text           string
		concealed      int // the status inside Hidden
		challengeError string
	}{
		{"a plain error", errors.New(secret), 403, fixed, 404, ""},
		{"a nil *Error in an error", (*bearer.Error)(nil), 403, fixed, 404, ""},
		{"a forbidden one", bearer.Forbid("Orders close at noon."), 403, "Orders close at noon.", 404, ""},
		{"a forbidden one without a reason", bearer.Forbid(""), 403, fixed, 404, ""},
		{"a forbidden one, wrapped", fmt.Errorf(secret+": %w", bearer.Forbid("Closed.")), 403, "Closed.", 404, ""},
		{"a reason with quotes and a line break", bearer.Forbid("a \"b\"\r\nX: y"), 403, `a \"b\"\r\nX: y`, 404, ""},
		{"a reason of invalid UTF-8", bearer.Forbid("a\xffb"), 403, "a\uFFFDb", 404, ""},
		{"not found", &bearer.Error{Code: bearer.CodeNotFound, Public: secret}, 404, hidden, 404, ""},
		{"an outage", bearer.Unavailable(errors.New(secret), time.Second), 503, "The access token cannot be checked at the moment.", 503, ""},
		{"an invalid token", bearer.Invalid("session", secret, ""), 401, "The access token is invalid.", 401, "invalid_token"},
		{"an expired token", bearer.Expired(secret, ""), 401, "The access token has expired.", 401, "invalid_token"},
		{"unrecognized, which no requirement may say", bearer.ErrUnrecognized, 403, fixed, 404, ""},
		{"unrecognized with a reason", bearer.Unrecognized(secret, "", ""), 403, fixed, 404, ""},
		{"insufficient scope, which no requirement may say", &bearer.Error{Code: bearer.CodeInsufficientScope}, 403, fixed, 404, ""},
		{"missing credentials, which no requirement may say", &bearer.Error{Code: bearer.CodeMissingCredentials}, 403, fixed, 404, ""},
		{"an invalid request, which no requirement may say", &bearer.Error{Code: bearer.CodeInvalidRequest}, 403, fixed, 404, ""},
		{"the error of a Scope with a code that no requirement may say", lacking, 403, fixed, 404, ""},
		{"an unknown code", &bearer.Error{Code: "x", Public: secret}, 403, fixed, 404, ""},
		{"the zero Error", &bearer.Error{Public: secret}, 403, fixed, 404, ""},
		{"a refusal and an outage", errors.Join(bearer.Forbid(secret), bearer.Unavailable(io.EOF, 0)), 503, "The access token cannot be checked at the moment.", 503, ""},
		{"user authentication without a StepUp", &bearer.Error{Code: bearer.CodeInsufficientUserAuth}, 401,
			"The request needs a stronger or more recent authentication of the user.", 401, "insufficient_user_authentication"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log eventLog
			rt := newRoute(t, log.config(bearer.Config{}), bearer.RouteConfig{Requirements: []bearer.Requirement{refusing(tt.err)}})
			got := serve(rt, get("Bearer good"))
			if got.status != tt.status || got.handedOn {
				t.Errorf("got %d, want %d", got.status, tt.status)
			}
			if !strings.Contains(got.body, `"error_description":"`+tt.text+`"`) {
				t.Errorf("got body %s, want %s", got.body, tt.text)
			}
			if strings.Contains(got.body+fmt.Sprint(got.header), secret) {
				t.Errorf("the client reads %s", secret)
			}
			if want := tt.challengeError; (got.challenge() != "") != (want != "") || !strings.Contains(got.challenge(), want) {
				t.Errorf("challenge %q, want error %q", got.challenge(), want)
			}
			if _, event := log.only(t); event.Subject != "alice" || event.Check == "" {
				t.Errorf("event %+v", event)
			}
			rt = newRoute(t, bearer.Config{}, bearer.RouteConfig{Requirements: []bearer.Requirement{bearer.Hidden(refusing(tt.err))}})
			got = serve(rt, get("Bearer good"))
			if got.status != tt.concealed || got.status == 404 && !strings.Contains(got.body, hidden) {
				t.Errorf("hidden: got %d %s, want %d", got.status, got.body, tt.concealed)
			}
		})
	}
}

// The text of a plain error appears only in the log.
func TestPlainErrorIsLogged(t *testing.T) {
	var log eventLog
	serve(newRoute(t, log.config(bearer.Config{}), bearer.RouteConfig{Requirements: []bearer.Requirement{refusing(errors.New("closed on Sundays"))}}), get("Bearer good"))
	if record, _ := log.only(t); record["cause"] != "closed on Sundays" || record["check"] != "policy" {
		t.Errorf("got %v", record)
	}
}

// A hidden refusal is the same for every cause, so that it does not reveal
// whether the resource exists.
func TestHiddenAnswersAreTheSameBytes(t *testing.T) {
	var first answer
	for i, err := range []error{errors.New("a"), bearer.Forbid("b"), bearer.ErrUnrecognized, (*bearer.Error)(nil), &bearer.Error{Code: bearer.CodeInsufficientScope}} {
		rt := newRoute(t, bearer.Config{}, bearer.RouteConfig{Requirements: []bearer.Requirement{bearer.Hidden(refusing(err))}})
		got := serve(rt, get("Bearer good"))
		if i == 0 {
			first = got
		}
		if got.status != 404 || got.body != first.body || fmt.Sprint(got.header) != fmt.Sprint(first.header) {
			t.Errorf("%v: %d %v %s", err, got.status, got.header, got.body)
		}
	}
}

func TestRefusalDoesNotChangeTheErrorItCameFrom(t *testing.T) {
	shared := bearer.Forbid("Closed.")
	shared.Check = ""
	rt := newRoute(t, bearer.Config{}, bearer.RouteConfig{Requirements: []bearer.Requirement{bearer.Hidden(refusing(shared))}})
	serve(rt, get("Bearer good"))
	if shared.Code != bearer.CodeForbidden || shared.Principal != nil || shared.Check != "" {
		t.Errorf("it became %+v", shared)
	}
}

// RFC 9068, Section 5: the subject of a client's own token is not a user.
func TestSubjectInPath(t *testing.T) {
	tests := []struct {
		name, subject, client, path string
		status                      int
	}{
		{"own", "alice", "shop", "alice", 200},
		{"own, with a bar", "auth0|alice", "shop", "auth0|alice", 200},
		{"another's", "alice", "shop", "bob", 403},
		{"another case", "alice", "shop", "Alice", 403},
		{"a prefix", "alice", "shop", "ali", 403},
		{"no parameter", "alice", "shop", "", 403},
		{"no subject and no parameter", "", "shop", "", 403},
		{"no subject", "", "shop", "alice", 403},
		{"a client's own token", "shop", "shop", "shop", 403},
		{"a client that is not named", "alice", "", "alice", 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := bearer.Principal{Subject: tt.subject, ClientID: tt.client}
			rt := newRoute(t, bearer.Config{Verifiers: []bearer.Verifier{answering(&p, nil)}}, bearer.RouteConfig{
				Requirements: []bearer.Requirement{bearer.SubjectInPath("id")}})
			r := get("Bearer x")
			r.SetPathValue("id", tt.path)
			if got := serve(rt, r); got.status != tt.status || got.challenge() != "" {
				t.Errorf("got %d %s, want %d", got.status, got.challenge(), tt.status)
			}
		})
	}
}

// Checklist C7b: request, token, binding, scope, step-up, policy.
func TestOrderOfJudgement(t *testing.T) {
	const audience = "https://api.example.com"
	var asked []string
	policy := func(name string, err error) bearer.Requirement {
		return bearer.RequirementFunc(func(*http.Request, *bearer.Principal) error { asked = append(asked, name); return err })
	}
	step := bearer.StepUp{ACR: []string{"mfa"}}
	type fault struct{ malformed, invalid, audience, bound, scope, weak, policy bool }
	tests := []struct {
		fault fault
		check string
		asked string
	}{
		{fault{true, true, true, true, true, true, true}, "Authorization", ""},
		{fault{false, true, true, true, true, true, true}, "signature", ""},
		{fault{false, false, true, true, true, true, true}, "aud", ""},
		{fault{false, false, false, true, true, true, true}, "cnf", ""},
		{fault{false, false, false, false, true, true, true}, "scope", ""},
		{fault{false, false, false, false, false, true, true}, "acr", ""},
		{fault{false, false, false, false, false, false, true}, "policy", "first second"},
		{fault{}, "", "first second third"},
	}
	for _, tt := range tests {
		t.Run(tt.check, func(t *testing.T) {
			asked = nil
			p := bearer.Principal{Subject: "alice", Scopes: scope.Of("orders:read"), ACR: "mfa"}.WithAudience(audience)
			if tt.fault.audience {
				p = p.WithAudience("x")
			}
			if tt.fault.bound {
				p.Confirmation.JKT = "x"
			}
			if tt.fault.scope {
				p.Scopes = scope.Set{}
			}
			if tt.fault.weak {
				p.ACR = "pwd"
			}
			verifier, second := answering(&p, nil), error(nil)
			if tt.fault.invalid {
				verifier = answering(nil, bearer.Invalid("signature", "", ""))
			}
			if tt.fault.policy {
				second = errors.New("no")
			}
			lines := []string{"Bearer x"}
			if tt.fault.malformed {
				lines = append(lines, "Bearer x")
			}
			// The step-up is listed after the policies, and checked first.
			rt := newRoute(t, bearer.Config{Verifiers: []bearer.Verifier{verifier}}, bearer.RouteConfig{
				Rule: scope.All("orders:read"), Audience: audience,
				Requirements: []bearer.Requirement{policy("first", nil), policy("second", second), &step, policy("third", nil)}})
			d := rt.Decide(get(lines...))
			check := ""
			if e, ok := errors.AsType[*bearer.Error](d.Err()); ok {
				check = e.Check
			}
			if check != tt.check || strings.Join(asked, " ") != tt.asked {
				t.Errorf("check %q, policies asked %v", check, asked)
			}
		})
	}
}

func TestRelationInPath(t *testing.T) {
	members := func(_ context.Context, p *bearer.Principal, team string) (bool, error) {
		switch team {
		case "down":
			return true, errors.New(secretCause)
		case "gone":
			return false, &bearer.Error{Code: bearer.CodeNotFound}
		}
		return p.Subject == "alice" && team == "red team", nil
	}
	rt := newRoute(t, bearer.Config{}, bearer.RouteConfig{Requirements: []bearer.Requirement{bearer.RelationInPath("team", members)}})
	for team, want := range map[string]int{"red%20team": 200, "blue": 403, "down": 503, "gone": 404} {
		mux := http.NewServeMux()
		var got answer
		mux.HandleFunc("/teams/{team}", func(_ http.ResponseWriter, r *http.Request) { got = serve(rt, r) })
		r := get("Bearer good")
		r.URL.Path, r.URL.RawPath = "/teams/"+strings.ReplaceAll(team, "%20", " "), "/teams/"+team
		mux.ServeHTTP(nil, r)
		if got.status != want || got.challenge() != "" || strings.Contains(got.body, secretCause) {
			t.Errorf("%s: %d %s, want %d", team, got.status, got.body, want)
		}
	}
	if got := serve(rt, get("Bearer good")); got.status != 403 {
		t.Errorf("without the parameter: %d", got.status)
	}
	for _, q := range []bearer.Requirement{bearer.RelationInPath("", members), bearer.RelationInPath("team", nil), bearer.Hidden(bearer.RelationInPath("", nil))} {
		if _, err := newGuard(t, bearer.Config{}).Route(bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{q}}); err == nil {
			t.Errorf("%+v is registered", q)
		}
	}
}

// Policies run in the given order, after every step-up.
func TestOrderOfRequirements(t *testing.T) {
	var asked []string
	policy := func(name string) bearer.Requirement {
		return bearer.RequirementFunc(func(*http.Request, *bearer.Principal) error {
			asked = append(asked, name)
			return nil
		})
	}
	strong, recent := bearer.StepUp{ACR: []string{"mfa"}}, bearer.StepUp{ACR: []string{"mfa", "hwk"}}
	run := func(acr string, requirements ...bearer.Requirement) (int, string) {
		asked = nil
		p := alice
		p.ACR = acr
		rt := newRoute(t, bearer.Config{Verifiers: []bearer.Verifier{answering(&p, nil)}}, bearer.RouteConfig{Requirements: requirements})
		got := serve(rt, get("Bearer x"))
		return got.status, strings.Join(asked, " ") + got.challenge()
	}
	for _, requirements := range [][]bearer.Requirement{
		{policy("1"), policy("2"), policy("3"), strong, recent},
		{policy("1"), strong, policy("2"), recent, policy("3")},
		{strong, recent, policy("1"), policy("2"), policy("3")},
	} {
		if status, order := run("mfa", requirements...); status != 200 || order != "1 2 3" {
			t.Errorf("%d, order %s", status, order)
		}
		if status, told := run("pwd", requirements...); status != 401 || len(asked) > 0 || !strings.Contains(told, `acr_values="mfa"`) {
			t.Errorf("%d %s, and the policies %v were asked", status, told, asked)
		}
	}
}

// The log names the caller of a refused request, and the check "policy", unless the
// policy says otherwise.
func TestWhatALogSaysOfAPolicy(t *testing.T) {
	bob := bearer.Principal{Subject: "bob"}
	for _, tt := range []struct {
		err            *bearer.Error
		check, subject string
	}{
		{&bearer.Error{Code: bearer.CodeForbidden}, "policy", "alice"},
		{&bearer.Error{Code: bearer.CodeForbidden, Check: "hours"}, "hours", "alice"},
		{&bearer.Error{Code: bearer.CodeForbidden, Principal: &bob}, "policy", "alice"},
		{&bearer.Error{Code: bearer.CodeForbidden, Check: "hours", Principal: &bob}, "hours", "bob"},
	} {
		var log eventLog
		serve(newRoute(t, log.config(bearer.Config{}), bearer.RouteConfig{Requirements: []bearer.Requirement{refusing(tt.err)}}), get("Bearer good"))
		if _, e := log.only(t); e.Check != tt.check || e.Subject != tt.subject {
			t.Errorf("%+v: check %q of %q", tt.err, e.Check, e.Subject)
		}
	}
}

// A policy gets a copy of the principal, wherever it stands: a verifier may share
// its own with a cache.
func TestPoliciesCannotChangeTheVerifiersPrincipal(t *testing.T) {
	spoiling := bearer.RequirementFunc(func(_ *http.Request, p *bearer.Principal) error {
		p.Subject = "mallory"
		return nil
	})
	for name, requirement := range map[string]bearer.Requirement{
		"alone": spoiling, "hidden": bearer.Hidden(spoiling), "an alternative": bearer.AnyOf(bearer.Role("none"), spoiling),
		"a hidden alternative": bearer.Hidden(bearer.AnyOf(spoiling, bearer.Role("none"))),
	} {
		shared := alice
		rt := newRoute(t, bearer.Config{Verifiers: []bearer.Verifier{answering(&shared, nil)}}, bearer.RouteConfig{Requirements: []bearer.Requirement{requirement}})
		if got := serve(rt, get("Bearer x")); !got.handedOn || shared.Subject != "alice" {
			t.Errorf("%s: %d, and the verifier's principal is %q", name, got.status, shared.Subject)
		}
	}
}

// Without the path parameter, nobody asks about a relation.
func TestRelationWithoutTheParameter(t *testing.T) {
	q := bearer.RelationInPath("id", func(context.Context, *bearer.Principal, string) (bool, error) {
		t.Error("asked")
		return true, nil
	})
	if err := q.Check(get(), &bearer.Principal{Subject: "alice"}); err == nil {
		t.Error("accepted")
	}
}

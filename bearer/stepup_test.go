package bearer_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// Checklist S1, S2, S4, C9: max_age has no leeway.
func TestStepUp(t *testing.T) {
	const old, never = time.Hour, time.Duration(1<<63 - 1)
	acr := func(values ...string) bearer.StepUp { return bearer.StepUp{ACR: values} }
	fresh := bearer.StepUp{MaxAge: 5 * time.Minute}
	both := bearer.StepUp{ACR: []string{"mfa", "key"}, MaxAge: 5 * time.Minute}
	tests := []struct {
		name   string
		step   bearer.StepUp
		acr    string
		age    time.Duration // never: no auth_time
		status int
	}{
		{"strong", acr("mfa", "key"), "mfa", never, 200},
		{"strong by the second", acr("mfa", "key"), "key", never, 200},
		{"no acr", acr("mfa"), "", never, 401},
		{"another acr", acr("mfa"), "pwd", 0, 401},
		{"acr in another case", acr("mfa"), "MFA", 0, 401},
		{"acr is a part", acr("urn:mfa"), "urn:mf", 0, 401},
		{"acr is the whole list", acr("mfa", "key"), "mfa key", 0, 401},
		{"recent", fresh, "", time.Second, 200},
		{"at the bound", fresh, "", 5 * time.Minute, 200},
		{"just too old", fresh, "", 5*time.Minute + 1, 401},
		{"too old", fresh, "", old, 401},
		{"since 1970", fresh, "", 30 * 365 * 24 * time.Hour, 401},
		{"no auth_time", fresh, "", never, 401},
		{"a little ahead", fresh, "", -5 * time.Minute, 200},
		{"in the future", fresh, "", -5*time.Minute - 1, 401},
		{"far in the future", fresh, "", -200 * 365 * 24 * time.Hour, 401},
		{"strong and recent", both, "key", time.Second, 200},
		{"strong and too old", both, "mfa", old, 401},
		{"weak and recent", both, "pwd", time.Second, 401},
		{"weak and without auth_time", both, "", never, 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := bearer.Principal{Subject: "alice", ACR: tt.acr}
				if tt.age != never {
					p.AuthTime = time.Now().Add(-tt.age)
				}
				rt := newRoute(t, bearer.Config{Verifiers: []bearer.Verifier{answering(&p, nil)}},
					bearer.RouteConfig{Requirements: []bearer.Requirement{tt.step}})
				got := serve(rt, get("Bearer x"))
				if got.status != tt.status || got.handedOn != (tt.status == 200) {
					t.Errorf("got %d, want %d", got.status, tt.status)
				}
				if tt.status == 200 {
					return
				}
				if !strings.Contains(got.challenge(), `error="insufficient_user_authentication"`) {
					t.Errorf("challenge %s", got.challenge())
				}
				if want := `acr_values="` + strings.Join(tt.step.ACR, " ") + `"`; strings.Contains(got.challenge(), want) != (len(tt.step.ACR) > 0) {
					t.Errorf("challenge %s, want %s", got.challenge(), want)
				}
				if strings.Contains(got.challenge(), `max_age="300"`) != (tt.step.MaxAge > 0) {
					t.Errorf("challenge %s", got.challenge())
				}
			})
		})
	}
}

// Checklist S1, S2, S3, S5: a challenge has the values of the requirement and
// the route's scope, under the scheme of the request. It has no values of the
// token.
func TestStepUpChallenges(t *testing.T) {
	const (
		failed = `error="insufficient_user_authentication", error_description="The request needs a stronger or more recent authentication of the user."`
		plain  = ` realm="api", scope="orders:read"`
		algs   = `, algs="ES256 EdDSA"`
	)
	acr, age := bearer.StepUp{ACR: []string{"mfa", "key"}}, bearer.StepUp{MaxAge: 5 * time.Minute}
	both := bearer.StepUp{ACR: []string{"mfa", "key"}, MaxAge: 5 * time.Minute}
	for _, tt := range []struct {
		name   string
		step   bearer.StepUp
		params string
	}{
		{"a class", acr, `, acr_values="mfa key"`},
		{"an age", age, `, max_age="300"`},
		{"both", both, `, acr_values="mfa key", max_age="300"`},
	} {
		for _, jkt := range []string{"", "key"} {
			p := bearer.Principal{Subject: "alice", ACR: "pwd", Scopes: scope.Of("orders:read", "other"), Confirmation: bearer.Confirmation{JKT: jkt}}
			rt := newRoute(t, bearer.Config{Verifiers: []bearer.Verifier{answering(&p, nil)}, Proofs: &proofs{}},
				bearer.RouteConfig{Rule: scope.All("orders:read"), Requirements: []bearer.Requirement{tt.step}})
			said := ` realm="api", ` + failed + `, scope="orders:read"` + tt.params
			authorization, want := "Bearer x", []string{"Bearer" + said, "DPoP" + plain + algs}
			if jkt != "" {
				authorization, want = "DPoP x", []string{"Bearer" + plain, "DPoP" + said + algs}
			}
			got := serve(rt, get(authorization))
			if got.status != 401 || !slices.Equal(got.header["Www-Authenticate"], want) {
				t.Errorf("%s, %s: %d\n%q, want\n%q", tt.name, authorization, got.status, got.header["Www-Authenticate"], want)
			}
			if strings.Contains(got.body, "mfa") || strings.Contains(got.body, "pwd") {
				t.Errorf("%s: the body says %s", tt.name, got.body)
			}
			// Scopes are checked first, and their refusal has no step-up parameters.
			p.Scopes = scope.Of("other")
			if got := serve(rt, get(authorization)); got.status != 403 || strings.Contains(strings.Join(got.header["Www-Authenticate"], " "), "mfa") {
				t.Errorf("%s, without the scope: %d %q", tt.name, got.status, got.header["Www-Authenticate"])
			}
		}
	}
}

// Checklist C17: a decision is never kept, so the same principal fails once its
// authentication is too old.
func TestStepUpIsJudgedAtEachRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := bearer.Principal{Subject: "alice", AuthTime: time.Now()}
		rt := newRoute(t, bearer.Config{Verifiers: []bearer.Verifier{answering(&p, nil)}},
			bearer.RouteConfig{Requirements: []bearer.Requirement{bearer.StepUp{MaxAge: time.Minute}}})
		for _, want := range []int{200, 200, 401} {
			if got := serve(rt, get("Bearer x")); got.status != want {
				t.Errorf("after %v: got %d, want %d", time.Since(p.AuthTime), got.status, want)
			}
			<-time.After(40 * time.Second) // of the bubble's clock
		}
	})
}

// A StepUp may depend on the request. Its challenge has its own values.
func TestStepUpInsideARequirementFunc(t *testing.T) {
	nested := bearer.RequirementFunc(func(r *http.Request, p *bearer.Principal) error {
		if r.Header.Get("X-Amount") == "large" {
			return bearer.StepUp{ACR: []string{"key"}, MaxAge: time.Minute}.Check(r, p)
		}
		return bearer.StepUp{ACR: []string{"mfa"}}.Check(r, p)
	})
	for _, requirement := range []bearer.Requirement{nested, bearer.Hidden(nested)} {
		rt := newRoute(t, bearer.Config{}, bearer.RouteConfig{Rule: scope.All("orders:read"), Requirements: []bearer.Requirement{requirement}})
		small, large := get("Bearer good"), get("Bearer good")
		large.Header.Set("X-Amount", "large")
		if got := serve(rt, small).challenge(); !strings.HasSuffix(got, `, scope="orders:read", acr_values="mfa"`) {
			t.Errorf("small: %s", got)
		}
		if got := serve(rt, large).challenge(); !strings.HasSuffix(got, `, scope="orders:read", acr_values="key", max_age="60"`) {
			t.Errorf("large: %s", got)
		}
	}
}

// Checklist H6: a StepUp that Route would reject refuses every request at run
// time.
func TestInvalidStepUpAdmitsNoRequest(t *testing.T) {
	tests := []struct {
		name string
		step bearer.StepUp
	}{
		{"no requirement", bearer.StepUp{}},
		{"a negative age", bearer.StepUp{MaxAge: -time.Second}},
		{"a negative age beside a class", bearer.StepUp{ACR: []string{"mfa"}, MaxAge: -time.Second}},
		{"half a second", bearer.StepUp{MaxAge: 500 * time.Millisecond}},
		{"a header field in a class", bearer.StepUp{ACR: []string{"a\r\nSet-Cookie: b=c"}}},
		{"a quote in a class", bearer.StepUp{ACR: []string{`a", error="x`}}},
		{"a space in a class", bearer.StepUp{ACR: []string{"a b"}}},
		{"an empty class", bearer.StepUp{ACR: []string{""}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := bearer.Principal{Subject: "alice", AuthTime: time.Now(), ACR: "mfa"}
			rt := newRoute(t, bearer.Config{Verifiers: []bearer.Verifier{answering(&p, nil)}}, bearer.RouteConfig{
				Requirements: []bearer.Requirement{bearer.RequirementFunc(tt.step.Check)}})
			if got := serve(rt, get("Bearer x")); got.status != 403 || got.challenge() != "" || got.header.Get("Set-Cookie") != "" {
				t.Errorf("got %d %v", got.status, got.header)
			}
		})
	}
}

func TestRegisteredStepUpIsCopied(t *testing.T) {
	byValue := bearer.StepUp{ACR: []string{"mfa"}}
	byPointer := &bearer.StepUp{ACR: []string{"mfa"}, MaxAge: time.Minute}
	for _, requirement := range []bearer.Requirement{byValue, byPointer} {
		rt := newRoute(t, bearer.Config{}, bearer.RouteConfig{Requirements: []bearer.Requirement{requirement}})
		byValue.ACR[0] = ""
		byPointer.ACR[0], byPointer.MaxAge = "", 0
		if got := serve(rt, get("Bearer good")); got.status != 401 || !strings.Contains(got.challenge(), `acr_values="mfa"`) {
			t.Errorf("%T: got %d %s", requirement, got.status, got.challenge())
		}
		byValue.ACR[0], byPointer.ACR[0], byPointer.MaxAge = "mfa", "mfa", time.Minute
	}
}

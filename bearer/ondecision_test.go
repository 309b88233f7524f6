package bearer_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/scope"
)

// OnDecision is called once for each answer of the guard, before OnAdmit and
// OnRefusal, with what it decided and how long that took.
func TestOnDecision(t *testing.T) {
	slow := bearer.RequirementFunc(func(*http.Request, *bearer.Principal) error {
		<-time.After(time.Second)
		return nil
	})
	tests := []struct {
		name    string
		request *http.Request
		route   bearer.RouteConfig
		want    []string
	}{
		{"a good token", get("Bearer good"), bearer.RouteConfig{}, []string{"200 Bearer alice <nil> 0s", "admit"}},
		{"a slow requirement", get("Bearer good"), bearer.RouteConfig{Requirements: []bearer.Requirement{slow}}, []string{"200 Bearer alice <nil> 1s", "admit"}},
		{"anonymous", get(), bearer.RouteConfig{Optional: true}, []string{"200   <nil> 0s", "admit"}},
		{"no credentials", get(), bearer.RouteConfig{}, []string{"401   credentials 0s", "refuse"}},
		{"a bad token", get("bearer forged"), bearer.RouteConfig{}, []string{"401 Bearer  signature 0s", "refuse"}},
		{"too little scope", get("Bearer good"), bearer.RouteConfig{Rule: scope.All("admin")}, []string{"403 Bearer  scope 0s", "refuse"}},
		{"an unknown scheme", get("Basic YTpi"), bearer.RouteConfig{}, []string{"401   credentials 0s", "refuse"}},
		{"DPoP", get("DPoP good"), bearer.RouteConfig{}, []string{"401   credentials 0s", "refuse"}},
		{"an outage", get("Bearer down"), bearer.RouteConfig{}, []string{"503 Bearer  verifier 0s", "refuse"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []string
				rt := newRoute(t, bearer.Config{
					OnDecision: func(r *http.Request, d bearer.Decision, took time.Duration) {
						p, _ := d.Principal()
						if seen, _ := bearer.FromContext(r.Context()); seen.Subject != p.Subject {
							t.Errorf("the request has the principal %q, the decision %q", seen.Subject, p.Subject)
						}
						check := "<nil>"
						if err, ok := d.Err().(*bearer.Error); ok {
							check = err.Check
						}
						got = append(got, fmt.Sprint(d.Status(), " ", d.Scheme(), " ", p.Subject, " ", check, " ", took))
					},
					OnAdmit:   func(*http.Request) { got = append(got, "admit") },
					OnRefusal: func(*http.Request, bearer.Event) { got = append(got, "refuse") },
				}, tt.route)
				<-time.After(time.Minute) // the age of the guard does not count
				_, _ = rt.Admit(httptest.NewRecorder(), tt.request)
				if !slices.Equal(got, tt.want) {
					t.Errorf("%q, want %q", got, tt.want)
				}
			})
		})
	}
}

// A request that passes several routes of a guard is one admission. Authenticate
// admits nothing, but it may refuse.
func TestOnDecisionOfNestedRoutes(t *testing.T) {
	var statuses []int
	guard, err := bearer.New(bearer.Config{
		Verifiers:  []bearer.Verifier{bearertest.Principals{"reader": {Subject: "bob", Scopes: scope.Of("read")}}},
		OnDecision: func(_ *http.Request, d bearer.Decision, _ time.Duration) { statuses = append(statuses, d.Status()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	outer := guard.MustRoute(bearer.RouteConfig{Rule: scope.None})
	admit := func(inner scope.Rule) {
		r, ok := outer.Admit(httptest.NewRecorder(), get("Bearer reader"))
		if !ok {
			t.Fatal("the outer route refuses")
		}
		_, _ = guard.MustRoute(bearer.RouteConfig{Rule: inner}).Admit(httptest.NewRecorder(), r)
	}
	admit(scope.All("read"))
	admit(scope.All("write"))
	r, _, ok := outer.Authenticate(httptest.NewRecorder(), get("Bearer reader"))
	if !ok {
		t.Fatal("Authenticate refuses")
	}
	_, _ = outer.Admit(httptest.NewRecorder(), r)
	_, _, _ = outer.Authenticate(httptest.NewRecorder(), get("Bearer forged"))
	_, _ = outer.AdmitPath(httptest.NewRecorder(), get("Bearer reader"), []string{"id", "id"}, []string{"1", "2"})
	if want := []int{200, 200, 403, 200, 401, 500}; !slices.Equal(statuses, want) {
		t.Errorf("%v, want %v", statuses, want)
	}
}

// The scheme is that of the request, whether or not its proof is good.
func TestSchemeOfADecision(t *testing.T) {
	for _, tt := range []struct {
		name, authorization, want string
		err                       error
	}{
		{"DPoP", "dpop key", "DPoP", nil},
		{"DPoP with a bad proof", "DPoP key", "DPoP", bearer.Invalid("proof", "a good one", "a bad one")},
		{"Bearer", "Bearer plain", "Bearer", nil},
		{"none", "", "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rt := newRoute(t, bearer.Config{Verifiers: []bearer.Verifier{boundVerifier}, Proofs: &proofs{err: tt.err}}, bearer.RouteConfig{})
			request := get()
			if tt.authorization != "" {
				request = get(tt.authorization)
			}
			if got := rt.Decide(request).Scheme(); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// An anonymous request and a preflight are one admission too, whichever hooks are set.
func TestOnDecisionOfNestedAnonymousRequests(t *testing.T) {
	preflight := httptest.NewRequestWithContext(t.Context(), http.MethodOptions, "/", nil)
	preflight.Header.Set("Origin", "https://app.example.com")
	preflight.Header.Set("Access-Control-Request-Method", http.MethodPut)
	for name, request := range map[string]*http.Request{"anonymous": get(), "preflight": preflight} {
		for _, both := range []bool{false, true} {
			decisions, admissions := 0, 0
			c := bearer.Config{
				Verifiers:              []bearer.Verifier{bearertest.Principals{}},
				InsecurePassPreflights: true,
				OnDecision:             func(*http.Request, bearer.Decision, time.Duration) { decisions++ },
			}
			if both {
				c.OnAdmit = func(*http.Request) { admissions++ }
			}
			guard, err := bearer.New(c)
			if err != nil {
				t.Fatal(err)
			}
			route := guard.MustRoute(bearer.RouteConfig{Rule: scope.None, Optional: true})
			r := request
			for range 3 {
				var ok bool
				if r, ok = route.Admit(httptest.NewRecorder(), r); !ok {
					t.Fatalf("%s: refused", name)
				}
			}
			if decisions != 1 || both && admissions != 1 {
				t.Errorf("%s, with OnAdmit %t: %d decisions, %d admissions, want one", name, both, decisions, admissions)
			}
		}
	}
}

package bearer_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// Reports V9: Authenticate judges the token alone, and a route of the same
// guard then continues from its judgement.
func TestAuthenticate(t *testing.T) {
	const (
		plainBearer = `Bearer realm="api", scope="outer"`
		plainDPoP   = `DPoP realm="api", scope="outer", algs="ES256 EdDSA"`
		invalid     = `error="invalid_token", error_description="The access token is invalid.", `
	)
	tests := []struct {
		name       string
		authorized []string
		proofErr   error
		status     int // of Authenticate; 200: the request goes on
		challenges []string
		body       string
	}{
		{name: "no credentials", status: 401, challenges: []string{plainBearer, plainDPoP},
			body: `{"status":401,"error_description":"The request carries no access token.","request_id":"id-1"}`},
		{name: "no token", authorized: []string{"Bearer"}, status: 400,
			challenges: []string{`Bearer realm="api", error="invalid_request", error_description="The request must carry one well-formed access token, in one way."`},
			body:       `{"status":400,"error":"invalid_request","error_description":"The request must carry one well-formed access token, in one way.","request_id":"id-1"}`},
		{name: "a bad token", authorized: []string{"Bearer bad"}, status: 401,
			challenges: []string{`Bearer realm="api", ` + invalid + `scope="outer"`, plainDPoP},
			body:       `{"status":401,"error":"invalid_token","error_description":"The access token is invalid.","request_id":"id-1"}`},
		{name: "a bound token as Bearer", authorized: []string{"Bearer bound"}, status: 401,
			challenges: []string{`Bearer realm="api", ` + invalid + `scope="outer"`, plainDPoP},
			body:       `{"status":401,"error":"invalid_token","error_description":"The access token is invalid.","request_id":"id-1"}`},
		{name: "a bad proof", authorized: []string{"DPoP bound"}, proofErr: &bearer.Error{Code: bearer.CodeInvalidDPoPProof}, status: 401,
			challenges: []string{plainBearer, `DPoP realm="api", error="invalid_dpop_proof", error_description="The DPoP proof is missing or invalid.", scope="outer", algs="ES256 EdDSA"`},
			body:       `{"status":401,"error":"invalid_dpop_proof","error_description":"The DPoP proof is missing or invalid.","request_id":"id-1"}`},
		{name: "a good token", authorized: []string{"Bearer plain"}, status: 200},
		{name: "a good token of too little scope", authorized: []string{"Bearer weak"}, status: 200},
		{name: "a good token and its proof", authorized: []string{"DPoP bound"}, status: 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := counting{proofs: proofs{err: tt.proofErr}}
			first := newGuard(t, c.config()).MustRoute(bearer.RouteConfig{Rule: scope.All("outer")})
			w := httptest.NewRecorder()
			r, p, ok := first.Authenticate(w, get(tt.authorized...))
			if ok != (tt.status == 200) || !ok && w.Code != tt.status {
				t.Fatalf("%v, %d; want %d", ok, w.Code, tt.status)
			}
			if got := w.Header().Values("WWW-Authenticate"); !slices.Equal(got, tt.challenges) {
				t.Errorf("challenges\n%q, want\n%q", got, tt.challenges)
			}
			if got := strings.TrimSpace(w.Body.String()); got != tt.body {
				t.Errorf("body %s, want %s", got, tt.body)
			}
			if !ok {
				if r != nil || p.Subject != "" {
					t.Errorf("a refused request of %q continues", p.Subject)
				}
				return
			}
			if scheme, subject, _ := strings.Cut(tt.authorized[0], " "); p.TokenType != scheme || p.Subject != subject {
				t.Errorf("%s of %q", p.TokenType, p.Subject)
			}
			if len(w.Header()) > 0 {
				t.Errorf("header %v", w.Header())
			}
			if _, known := bearer.FromContext(r.Context()); known {
				t.Error("the request has a principal before Admit")
			}
			if c.proofs.used > 0 {
				t.Error("the proof is used up")
			}
		})
	}
}

// Reports V9: Admit, of any route, judges the scopes and requirements after
// Authenticate, and repeats no other check.
func TestAdmitContinuesFromAuthenticate(t *testing.T) {
	var policies int
	policy := bearer.RequirementFunc(func(*http.Request, *bearer.Principal) error { policies++; return nil })
	for _, tt := range []struct {
		name, authorization, rule string
		status                    int
		scope                     string // of a 403's challenge
		used                      int
	}{
		{"enough scope", "Bearer plain", "inner", 200, "", 0},
		{"a proof", "DPoP bound", "inner", 200, "", 1},
		// The first route's scope was not checked, so no challenge names it.
		{"too little scope", "Bearer weak", "inner", 403, `scope="inner"`, 0},
		{"a proof, and too little scope", "DPoP bound", "admin", 403, `scope="admin"`, 0},
	} {
		var c counting
		guard := newGuard(t, c.config())
		first := guard.MustRoute(bearer.RouteConfig{Rule: scope.All("outer", "more"), Requirements: []bearer.Requirement{policy}})
		second := guard.MustRoute(bearer.RouteConfig{Rule: scope.All(tt.rule)})
		w := httptest.NewRecorder()
		r, _, ok := first.Authenticate(w, get(tt.authorization))
		if !ok || policies > 0 {
			t.Fatalf("%s: %d, %d policies asked", tt.name, w.Code, policies)
		}
		got := serve(second, r)
		if got.status != tt.status || got.known != (tt.status == 200) || c.proofs.used != tt.used || len(c.verified) != 1 || c.denied != 1 {
			t.Errorf("%s: %d, known %v, proof used %d times, verified %d times, deny list asked %d times", tt.name, got.status, got.known, c.proofs.used, len(c.verified), c.denied)
		}
		if !strings.Contains(got.challenge(), tt.scope) {
			t.Errorf("%s: %s, want %s", tt.name, got.challenge(), tt.scope)
		}
		if got := serve(first, r); got.status != 403 { // of the same guard, too: nothing is let in by Authenticate
			t.Errorf("%s: the first route: %d", tt.name, got.status)
		}
	}
}

// Routes that judge one request concurrently use its proof once.
func TestProofOfOneRequestIsUsedOnce(t *testing.T) {
	var c counting
	rt := newGuard(t, c.config()).MustRoute(bearer.RouteConfig{Rule: scope.All("inner")})
	r, _, ok := rt.Authenticate(httptest.NewRecorder(), dpopRequest("bound"))
	if !ok {
		t.Fatal("refused")
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if d := rt.Decide(r); !d.Allowed() {
				t.Error(d.Err())
			}
		})
	}
	all.Wait()
	if c.proofs.used != 1 {
		t.Errorf("used %d times", c.proofs.used)
	}
}

// After Authenticate, an optional route admits an anonymous request and a
// required one refuses it.
func TestAuthenticateOptional(t *testing.T) {
	guard := newGuard(t, (&counting{}).config())
	optional := guard.MustRoute(bearer.RouteConfig{Rule: scope.All("outer"), Optional: true})
	r, p, ok := optional.Authenticate(httptest.NewRecorder(), get())
	if !ok || p.Subject != "" {
		t.Fatal("refused, or not anonymous")
	}
	if got := serve(optional, r); got.status != 200 || got.known {
		t.Errorf("%d, known %v", got.status, got.known)
	}
	if got := serve(guard.MustRoute(bearer.RouteConfig{Rule: scope.None}), r); got.status != 401 {
		t.Errorf("a required route: %d", got.status)
	}
	if _, _, ok := optional.Authenticate(httptest.NewRecorder(), get("Bearer bad")); ok {
		t.Error("a bad token is anonymous")
	}
}

// A route that no guard built answers 500, and lets nobody pass.
func TestAuthenticateWithoutAGuard(t *testing.T) {
	w := httptest.NewRecorder()
	if r, p, ok := new(bearer.Route).Authenticate(w, get("Bearer plain")); ok || r != nil || p.Subject != "" || w.Code != 500 {
		t.Errorf("%v, %+v, %t, %d", r, p, ok, w.Code)
	}
}

// A guess counts as a failure of its address, whether Admit or Authenticate
// judges it.
func TestAuthenticateCountsFailures(t *testing.T) {
	rt := newRoute(t, bearer.Config{FailureLimit: &bearer.FailureLimit{Burst: 1}}, bearer.RouteConfig{})
	for _, want := range []int{401, 429} {
		w := httptest.NewRecorder()
		if _, _, ok := rt.Authenticate(w, from("192.0.2.1", "Bearer forged")); ok || w.Code != want {
			t.Errorf("%t, %d; want %d", ok, w.Code, want)
		}
	}
}

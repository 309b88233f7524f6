package bearer_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// Checklist C14: a preflight needs credentials, unless the Config passes it.
func TestPreflights(t *testing.T) {
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Add(pairs[i], pairs[i+1])
		}
		return h
	}
	const origin, method = "Origin", "Access-Control-Request-Method"
	tests := []struct {
		name    string
		method  string
		header  http.Header
		genuine bool
	}{
		{"genuine", "OPTIONS", header(origin, "https://a.example", method, "PUT"), true},
		{"with more header fields", "OPTIONS", header(origin, "null", method, "GET", "Access-Control-Request-Headers", "authorization"), true},
		{"without an origin", "OPTIONS", header(method, "PUT"), false},
		{"with an empty origin", "OPTIONS", header(origin, "", method, "PUT"), false},
		{"without a method", "OPTIONS", header(origin, "https://a.example"), false},
		{"with an empty method", "OPTIONS", header(origin, "https://a.example", method, ""), false},
		{"with two origins", "OPTIONS", header(origin, "https://a.example", origin, "https://b.example", method, "PUT"), false},
		{"with two methods", "OPTIONS", header(origin, "https://a.example", method, "PUT", method, "GET"), false},
		{"a plain OPTIONS", "OPTIONS", header(), false},
		{"GET", "GET", header(origin, "https://a.example", method, "PUT"), false},
		{"POST", "POST", header(origin, "https://a.example", method, "PUT"), false},
		{"options in lower case", "options", header(origin, "https://a.example", method, "PUT"), false},
		{"an overridden method", "POST", header(origin, "https://a.example", method, "PUT", "X-HTTP-Method-Override", "OPTIONS"), false},
	}
	for _, pass := range []bool{false, true} {
		rt := newRoute(t, bearer.Config{InsecurePassPreflights: pass}, bearer.RouteConfig{Rule: scope.All("orders:read")})
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				r := httptest.NewRequest(tt.method, "/orders", nil)
				r.Header = tt.header
				got := serve(rt, r)
				if want := pass && tt.genuine; got.handedOn != want || got.known {
					t.Errorf("passing preflights %t: the handler ran %t, with a principal %t", pass, got.handedOn, got.known)
				}
			})
		}
	}
}

// D20: if CORS middleware lets scripts read an answer, they can read its
// challenges and its nonce.
func TestChallengesAndNoncesAreExposed(t *testing.T) {
	const challenge, both = "WWW-Authenticate", "DPoP-Nonce, WWW-Authenticate"
	for _, tt := range []struct {
		name, authorization, nonce string
		outside                    []string // exposed by the middleware
		want                       []string
	}{
		{"no credentials", "", "n1", nil, []string{challenge}},
		{"no credentials, no nonces", "", "", nil, []string{challenge}},
		{"a bound token under Bearer", "Bearer key", "n1", nil, []string{challenge}},
		{"too little scope", "DPoP weak", "", nil, []string{challenge}},
		{"too little scope, nonces", "DPoP weak", "n1", nil, []string{challenge}},
		{"a bad proof, no nonces", "DPoP bad", "", nil, []string{challenge}},
		{"a bad proof", "DPoP bad", "n1", nil, []string{both}},
		{"success", "DPoP key", "n1", nil, []string{both}},
		{"success, no nonces", "DPoP key", "", nil, nil},
		{"the middleware exposes both", "DPoP bad", "n1", []string{"Etag, dpop-nonce", "www-authenticate"}, []string{"Etag, dpop-nonce", "www-authenticate"}},
		{"the middleware exposes one", "DPoP bad", "n1", []string{"DPoP-Nonce"}, []string{"DPoP-Nonce", challenge}},
		{"the middleware exposes the other", "DPoP bad", "n1", []string{challenge}, []string{challenge, "DPoP-Nonce"}},
	} {
		for _, cors := range []bool{true, false} {
			outside, want := http.Header{"Access-Control-Expose-Headers": slices.Clone(tt.outside)}, tt.want
			if cors {
				outside.Set("Access-Control-Allow-Origin", "https://app.example.com")
			} else {
				want = tt.outside
			}
			w := admit(t, bearer.Config{Verifiers: []bearer.Verifier{boundVerifier}, Proofs: &proofs{nonce: tt.nonce}}, tt.authorization, outside)
			if got := w.Header().Values("Access-Control-Expose-Headers"); !slices.Equal(got, want) {
				t.Errorf("%s, CORS %v: exposed %q, want %q", tt.name, cors, got, want)
			}
		}
	}
	w := admit(t, bearer.Config{Verifiers: []bearer.Verifier{boundVerifier}}, "", http.Header{"Access-Control-Allow-Origin": {"*"}})
	if got := w.Header().Values("Access-Control-Expose-Headers"); !slices.Equal(got, []string{challenge}) {
		t.Errorf("a guard of the Bearer scheme alone exposes %q", got)
	}
	w = admit(t, bearer.Config{Verifiers: []bearer.Verifier{boundVerifier}}, "", http.Header{"Access-Control-Allow-Origin": {""}})
	if got := w.Header().Values("Access-Control-Expose-Headers"); len(got) > 0 {
		t.Errorf("to no origin: exposes %q", got)
	}
	down := bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) { return nil, bearer.Unavailable(nil, 0) })
	w = admit(t, bearer.Config{Verifiers: []bearer.Verifier{down}}, "Bearer a", http.Header{"Access-Control-Allow-Origin": {"*"}})
	if got := w.Header().Values("Access-Control-Expose-Headers"); w.Code != 503 || len(got) > 0 {
		t.Errorf("an answer without challenges, %d, exposes %q", w.Code, got)
	}
}

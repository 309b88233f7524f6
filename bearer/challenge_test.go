package bearer_test

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// Reports L11; RFC 9110, Section 11.6.1: challenges of other schemes that an
// outer handler has set are kept, before those of the guard. Challenges of the
// guard's schemes are replaced.
func TestOuterChallenges(t *testing.T) {
	const ours, dpop = `Bearer realm="api"`, `DPoP realm="api", algs="ES256 EdDSA"`
	tests := []struct {
		name     string
		prepared []string
		kept     []string
	}{
		{"none", nil, nil},
		{"Basic", []string{`Basic realm="x", charset="UTF-8"`}, []string{`Basic realm="x", charset="UTF-8"`}},
		{"a token68", []string{"Negotiate YWJj=="}, []string{"Negotiate YWJj=="}},
		{"a scheme alone", []string{"Negotiate"}, []string{"Negotiate"}},
		{"two lines", []string{`Basic realm="x"`, `Digest realm="y", nonce="z"`}, []string{`Basic realm="x"`, `Digest realm="y", nonce="z"`}},
		{"two in one line", []string{`Digest realm="y",nonce="z" , Basic realm="x"`}, []string{`Digest realm="y",nonce="z" , Basic realm="x"`}},
		{"a scheme that begins as ours", []string{`Bearer2 realm="x"`, `BearerX`}, []string{`Bearer2 realm="x"`, `BearerX`}},
		{"ours in a quoted-string", []string{`Basic realm="a, Bearer realm=\"b\", DPoP"`}, []string{`Basic realm="a, Bearer realm=\"b\", DPoP"`}},
		{"a parameter named as ours", []string{`Custom bearer="x", DPoP = y`}, []string{`Custom bearer="x", DPoP = y`}},
		{"no challenge", []string{"", " "}, []string{" "}},
		{"a quote that never ends", []string{`Basic realm="x, Bearer realm="y"`}, []string{`Basic realm="x, Bearer realm="y"`}},

		{"a backslash outside quotes", []string{`Custom a\,Bearer realm="x"`}, []string{`Custom a\`}},
		{"empty elements", []string{`, Basic realm="x", , Bearer`}, []string{`Basic realm="x"`}},
		{"an element that is no parameter", []string{`Bearer realm="a", "b", Basic realm="x"`}, []string{`Basic realm="x"`}},
		{"a scheme of one character", []string{`Bearer realm="a", X realm="x"`}, []string{`X realm="x"`}},
		{"Bearer", []string{`Bearer realm="outer", scope="a b"`}, nil},
		{"Bearer in other letters", []string{`bEARER realm="outer"`, "DPOP"}, nil},
		{"both of ours", []string{ours, dpop}, nil},
		{"both of ours in one line", []string{ours + ", " + dpop}, nil},
		{"Bearer before Basic", []string{`Bearer realm="a, b", error="c\"d, Basic", Basic realm="x", charset="UTF-8"`}, []string{`Basic realm="x", charset="UTF-8"`}},
		{"Bearer between others", []string{`Digest realm="y", nonce="z",Bearer realm="outer" , scope="a",,Negotiate YWJj==`}, []string{`Digest realm="y", nonce="z", Negotiate YWJj==`}},
		{"Bearer behind Basic", []string{`Basic realm="x", Bearer`}, []string{`Basic realm="x"`}},
		{"Bearer with a token68", []string{`Bearer abc==, Basic realm="x"`}, []string{`Basic realm="x"`}},
	}
	config := bearer.Config{Verifiers: []bearer.Verifier{boundVerifier}, Proofs: &proofs{}}
	rt := newRoute(t, config, bearer.RouteConfig{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, name := range []string{"Www-Authenticate", "WWW-Authenticate"} {
				w := httptest.NewRecorder()
				w.Header()[name] = slices.Clone(tt.prepared)
				rt.Admit(w, get())
				if got, want := w.Header()["Www-Authenticate"], append(slices.Clone(tt.kept), ours, dpop); !slices.Equal(got, want) {
					t.Errorf("%s: got\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
				if name == "WWW-Authenticate" && w.Header()[name] != nil {
					t.Errorf("the field is there under two names: %v", w.Header())
				}
			}
		})
	}
}

// Reports L11, checklist C6: if the guard sends no challenge, the answer has
// none at all. Its cause is not the credentials, so "different credentials"
// would not "affect the response" (RFC 9110, Section 11.6.1).
func TestAnswersWithoutAChallengeDropOuterOnes(t *testing.T) {
	config := bearer.Config{FailureLimit: &bearer.FailureLimit{Burst: 1}}
	forbidden := []bearer.Requirement{bearer.SubjectInPath("id")}
	tests := []struct {
		name, token string
		route       bearer.RouteConfig
		status      int
		kept        bool
	}{
		{"missing scope", "good", bearer.RouteConfig{Rule: scope.All("admin")}, 403, true},
		{"malformed", "a b", bearer.RouteConfig{}, 400, true},
		{"a policy refuses", "good", bearer.RouteConfig{Requirements: forbidden}, 403, false},
		{"hidden", "good", bearer.RouteConfig{Requirements: []bearer.Requirement{bearer.Hidden(forbidden[0])}}, 404, false},
		{"too long", strings.Repeat("a", 16<<10+1), bearer.RouteConfig{}, 431, false},
		{"an outage", "down", bearer.RouteConfig{}, 503, false},
		{"a bad token", "forged", bearer.RouteConfig{}, 401, true},
	}
	for _, tt := range tests {
		rt := newRoute(t, config, tt.route)
		send := func(status int, kept bool) {
			t.Helper()
			w := httptest.NewRecorder()
			w.Header()["Www-Authenticate"] = []string{`Basic realm="x"`}
			rt.Admit(w, from("192.0.2.1", "Bearer "+tt.token))
			got := w.Header()["Www-Authenticate"]
			if w.Code != status || kept != (len(got) == 2 && got[0] == `Basic realm="x"` && strings.HasPrefix(got[1], "Bearer ")) || !kept && got != nil {
				t.Errorf("%s: %d %q", tt.name, w.Code, got)
			}
		}
		send(tt.status, tt.kept)
		if tt.name == "a bad token" {
			send(429, false)
		}
	}
	// The handler answers an admitted request.
	w := httptest.NewRecorder()
	w.Header()["Www-Authenticate"] = []string{`Basic realm="x"`}
	if _, ok := newRoute(t, bearer.Config{}, bearer.RouteConfig{}).Admit(w, get("Bearer good")); !ok || len(w.Header()["Www-Authenticate"]) != 1 {
		t.Errorf("admitted: %v", w.Header())
	}
}

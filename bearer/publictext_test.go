package bearer_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/scope"
)

// Peers section 1, "leaks internal error text": the error text of a verifier or
// a policy appears only in the log, in either form of the answer.
func TestNoAnswerContainsTheCause(t *testing.T) {
	const secret = "pq: relation users does not exist at 10.0.0.7"
	cause := errors.New(secret)
	verified := map[string]error{
		"not classified": cause,
		"an outage":      bearer.Unavailable(cause, 0),
		"invalid":        bearer.Invalid("session", secret, secret),
		"expired":        bearer.Expired(secret, secret),
		"not mine":       bearer.Unrecognized("iss", secret, secret),
		"with a cause":   &bearer.Error{Code: bearer.CodeInvalidToken, Public: secret, Err: cause},
	}
	for _, accept := range []string{"", "application/problem+json"} {
		check := func(name string, rt *bearer.Route, token string) {
			t.Helper()
			r := get("Bearer " + token)
			r.Header.Set("Accept", accept)
			got := serve(rt, r)
			if got.status < 400 || strings.Contains(got.body+fmt.Sprint(got.header), "10.0.0.7") {
				t.Errorf("%s, Accept %q: %d %v %s", name, accept, got.status, got.header, got.body)
			}
		}
		for name, err := range verified {
			check(name, newRoute(t, bearer.Config{Verifiers: []bearer.Verifier{answering(nil, err)}}, bearer.RouteConfig{}), "x")
			check(name+", by a policy", newRoute(t, bearer.Config{}, bearer.RouteConfig{Requirements: []bearer.Requirement{refusing(err)}}), "good")
		}
	}
}

// Peers section 1, "custom error response": a program with its own error format
// takes status and challenges from the Decision, so its answer agrees with
// them.
func TestDecisionServesOtherErrorFormats(t *testing.T) {
	rt := newRoute(t, bearer.Config{Realm: "shop"}, bearer.RouteConfig{Rule: scope.All("orders:write")})
	for token, want := range map[string]string{
		"good":    `403 Bearer realm="shop", error="insufficient_scope"`,
		"expired": `401 Bearer realm="shop", error="invalid_token"`,
		"down":    `503 `,
	} {
		d := rt.Decide(get("Bearer " + token))
		if got := fmt.Sprint(d.Status(), " ", strings.Join(d.Challenges(), ", ")); !strings.HasPrefix(got, want) || d.Allowed() {
			t.Errorf("%s: %s, want %s", token, got, want)
		}
		if e, ok := errors.AsType[*bearer.Error](d.Err()); !ok || e.Code == "" {
			t.Errorf("%s: %v has no code to branch on", token, d.Err())
		}
		if _, err := bearertest.ParseChallenges(d.Challenges()); err != nil {
			t.Error(err)
		}
	}
}

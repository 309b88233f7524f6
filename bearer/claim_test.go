package bearer_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

func TestClaim(t *testing.T) {
	const claims = `{"tenant":"acme","groups":["a",7,{"id":"b"},true],"level":3,"big":9007199254740993,"ratio":0.5,"round":3.0,"on":true,"off":false,` +
		`"nothing":null,"https://example.com/plan":{"name":"pro"},"escaped":"\u0061cme","empty":"","list":[],"zero":0,"huge":99999999999999999999,"vast":1e999}`
	const otherValue, otherArray = "another value", "an array without it"
	tests := []struct {
		name        string
		requirement bearer.Requirement
		got         string // of the refusal; empty: the request is admitted
	}{
		{"a string", bearer.Claim("/tenant", "acme"), ""},
		{"a string with escapes", bearer.Claim("/escaped", "acme"), ""},
		{"a claim whose name is a URL", bearer.Claim("/https:~1~1example.com~1plan/name", "pro"), ""},
		{"an element", bearer.Claim("/groups", "a"), ""},
		{"an element by its number", bearer.Claim("/groups/0", "a"), ""},
		{"an element that is a number", bearer.Claim("/groups", 7), ""},
		{"an element that is a boolean", bearer.Claim("/groups", true), ""},
		{"an integer", bearer.Claim("/level", 3), ""},
		{"an integer beyond 2^53", bearer.Claim("/big", int64(9007199254740993)), ""},
		{"a fraction", bearer.Claim("/ratio", 0.5), ""},
		{"a fraction that is whole", bearer.Claim("/round", 3.0), ""},
		{"true", bearer.Claim("/on", true), ""},
		{"false", bearer.Claim("/off", false), ""},

		{"another string", bearer.Claim("/tenant", "Acme"), otherValue},
		{"another integer", bearer.Claim("/big", int64(9007199254740992)), otherValue},
		{"a string in place of a number", bearer.Claim("/level", "3"), otherValue},
		{"a number in place of a string", bearer.Claim("/tenant", 3), otherValue},
		{"a fraction in place of an integer", bearer.Claim("/round", 3), otherValue},
		{"false in place of true", bearer.Claim("/off", true), otherValue},
		{"another string with escapes", bearer.Claim("/escaped", "other"), otherValue},
		{"another fraction", bearer.Claim("/ratio", 0.25), otherValue},
		{"a number beyond int64", bearer.Claim("/huge", int64(math.MaxInt64)), otherValue},
		{"a number beyond float64", bearer.Claim("/vast", math.MaxFloat64), otherValue},
		{"a string in place of false", bearer.Claim("/tenant", false), otherValue},
		{"a number in place of false", bearer.Claim("/zero", false), otherValue},
		{"a string in place of zero", bearer.Claim("/tenant", 0), otherValue},
		{"a string in place of zero as a fraction", bearer.Claim("/tenant", 0.0), otherValue},
		{"false in place of zero", bearer.Claim("/off", 0), otherValue},
		{"no false", bearer.Claim("/missing", false), "none"},
		{"null is not false", bearer.Claim("/nothing", false), "none"},
		{"an object", bearer.Claim("/https:~1~1example.com~1plan", "pro"), otherValue},
		{"an element of an element", bearer.Claim("/groups", "b"), otherArray},
		{"an empty array", bearer.Claim("/list", "a"), otherArray},
		{"a member of a string", bearer.Claim("/tenant/name", "acme"), "at /tenant: a JSON string instead of an object"},
	}
	p := alice.WithClaims(claims)
	for _, tt := range tests {
		var log eventLog
		rt := newRoute(t, log.config(bearer.Config{Verifiers: []bearer.Verifier{answering(&p, nil)}}),
			bearer.RouteConfig{Requirements: []bearer.Requirement{tt.requirement}})
		got := serve(rt, get("Bearer x"))
		if tt.got == "" {
			if !got.handedOn {
				t.Errorf("%s: got %d", tt.name, got.status)
			}
			continue
		}
		if got.status != 403 || got.handedOn || got.challenge() != "" {
			t.Errorf("%s: got %d %q", tt.name, got.status, got.challenge())
		}
		if _, e := log.only(t); e.Check != "claim" || e.Got != tt.got || e.Hint == "" {
			t.Errorf("%s: event %+v", tt.name, e)
		}
	}
}

// A verifier that keeps no claims, or malformed ones, and a pointer that Route
// would refuse: each refuses the request.
func TestClaimFailsClosed(t *testing.T) {
	for _, claims := range []string{"", "{", `"acme"`, `{"tenant":"acme"`, "null"} {
		p := alice.WithClaims(claims)
		if err := bearer.Claim("/tenant", "acme").Check(get(), &p); err == nil {
			t.Errorf("claims %q: admitted", claims)
		}
	}
	p := alice.WithClaims(`{"tenant":"acme","":"acme"}`)
	for _, at := range []string{"", "tenant", "/", "/~"} {
		if err := bearer.Claim(at, "acme").Check(get(), &p); err == nil {
			t.Errorf("pointer %q: admitted", at)
		}
	}
	for _, claims := range []string{`"acme"`, `["acme"]`} {
		p := alice.WithClaims(claims)
		for _, at := range []string{"tenant", "/~", "/~2"} {
			if err := bearer.Claim(at, "acme").Check(get(), &p); err == nil {
				t.Errorf("pointer %q into %s: admitted", at, claims)
			}
		}
	}
	p = alice.WithClaims(`{"level":3,"groups":[7]}`)
	for _, at := range []string{"/level", "/groups"} {
		if err := bearer.Claim(at, "").Check(get(), &p); err == nil {
			t.Errorf("%s: a number passes for an empty string", at)
		}
	}
	for _, value := range []float64{math.NaN(), math.Inf(1)} {
		if _, err := newGuard(t, bearer.Config{}).Route(bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{bearer.Claim("/a", value)}}); err == nil {
			t.Errorf("%v: no error", value)
		}
	}
}

// The log says which value the claim should have.
func TestClaimExpectedInTheLog(t *testing.T) {
	p := alice.WithClaims(`{}`)
	for want, requirement := range map[string]bearer.Requirement{
		`/a to be or to contain "b"`:  bearer.Claim("/a", "b"),
		`/a to be or to contain 3`:    bearer.Claim("/a", 3),
		`/a to be or to contain true`: bearer.Claim("/a", true),
	} {
		if e, ok := errors.AsType[*bearer.Error](requirement.Check(get(), &p)); !ok || e.Expected != want {
			t.Errorf("%+v, want %s", e, want)
		}
	}
}

func TestClaimsOf(t *testing.T) {
	type tenancy struct {
		Tenant string `json:"tenant"`
		Level  int    `json:"level"`
	}
	p := alice.WithClaims(`{"tenant":"acme","level":3}`)
	if got, err := bearer.ClaimsOf[tenancy](bearer.NewContext(t.Context(), p)); err != nil || got != (tenancy{"acme", 3}) {
		t.Errorf("%+v, %v", got, err)
	}
	p = alice.WithClaims(`{"tenant":"acme","level":"three"}`)
	if got, err := bearer.ClaimsOf[tenancy](bearer.NewContext(t.Context(), p)); err == nil || got != (tenancy{}) {
		t.Errorf("a claim of the wrong type: %+v, %v", got, err)
	}
	if got, err := bearer.ClaimsOf[tenancy](bearer.NewContext(t.Context(), alice)); err == nil || got != (tenancy{}) {
		t.Errorf("no claims: %+v, %v", got, err)
	}
	if _, err := bearer.ClaimsOf[map[string]any](t.Context()); err == nil || !strings.Contains(err.Error(), "no guard admitted it") {
		t.Error("no principal, and no error")
	}
}

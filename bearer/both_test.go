package bearer_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// Both accept, or the token is not accepted; and each keeps its kind of no.
func TestBoth(t *testing.T) {
	says := func(p *bearer.Principal, err error) bearer.Verifier {
		return bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) { return p, err })
	}
	alice := bearer.Principal{Issuer: "i", Subject: "alice"}
	with := func(change func(*bearer.Principal)) *bearer.Principal {
		p := alice
		change(&p)
		return &p
	}
	yes, notMine := says(&alice, nil), says(nil, bearer.Unrecognized("form", "a", "b"))
	bad, away := says(nil, bearer.Invalid("exp", "a", "b")), says(nil, bearer.Unavailable(errors.New("down"), 0))
	neverAsked := bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) {
		t.Error("the second verifier is asked about what is not the first's")
		return nil, nil
	})
	tests := []struct {
		name          string
		first, second bearer.Verifier
		want          bearer.Code // empty: accepted
	}{
		{"both accept", yes, yes, ""},
		{"not the first's", notMine, neverAsked, "unrecognized"},
		{"bad to the first", bad, neverAsked, bearer.CodeInvalidToken},
		{"the first cannot tell", away, neverAsked, bearer.CodeUnavailable},
		{"not the second's", yes, notMine, bearer.CodeInvalidToken},
		{"bad to the second", yes, bad, bearer.CodeInvalidToken},
		{"the second cannot tell", yes, away, bearer.CodeUnavailable},
		{"the second says nothing", yes, says(nil, nil), ""},
		{"another issuer", yes, says(with(func(p *bearer.Principal) { p.Issuer = "j" }), nil), bearer.CodeInvalidToken},
		{"another subject", yes, says(with(func(p *bearer.Principal) { p.Subject = "bob" }), nil), bearer.CodeInvalidToken},
		{"no subject", yes, says(with(func(p *bearer.Principal) { p.Subject = "" }), nil), ""},
		{
			"another key",
			says(with(func(p *bearer.Principal) { p.Confirmation.JKT = "a" }), nil),
			says(with(func(p *bearer.Principal) { p.Confirmation.JKT = "b" }), nil), bearer.CodeInvalidToken,
		},
	}
	for _, tt := range tests {
		p, err := bearer.Both(tt.first, tt.second).Verify(t.Context(), "token")
		e, classified := errors.AsType[*bearer.Error](err)
		switch {
		case tt.name == "the second says nothing":
			if err == nil || classified {
				t.Errorf("%s: %v, %v; want an error that nobody classified", tt.name, p, err)
			}
		case tt.want == "" && (err != nil || p == nil):
			t.Errorf("%s: %v", tt.name, err)
		case tt.want != "" && (!classified || e.Code != tt.want):
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

// The principal of both is never more than that of either.
func TestBothNarrows(t *testing.T) {
	soon, later := time.Unix(1000, 0), time.Unix(2000, 0)
	first := bearer.Principal{Subject: "alice", Scopes: scope.Of("a", "b"), Expires: later}
	second := bearer.Principal{Subject: "alice", Scopes: scope.Of("b", "c"), Expires: soon, Confirmation: bearer.Confirmation{JKT: "k"}}
	constant := func(p bearer.Principal) bearer.Verifier {
		return bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) { return &p, nil })
	}
	for _, pair := range [][2]bearer.Principal{{first, second}, {second, first}} {
		p, err := bearer.Both(constant(pair[0]), constant(pair[1])).Verify(t.Context(), "token")
		if err != nil {
			t.Fatal(err)
		}
		if p.Scopes != scope.Of("b") || !p.Expires.Equal(soon) || p.Confirmation.JKT != "k" {
			t.Errorf("%+v", p)
		}
	}
	// The audiences that both name; when and how, by whichever says less.
	first = bearer.Principal{ACR: "mfa", AuthTime: later}.WithAudience("a", "b")
	for _, tt := range []struct {
		second    bearer.Principal
		audiences []string
		acr       string
		at        time.Time
	}{
		{bearer.Principal{}, []string{"a", "b"}, "mfa", later},
		{bearer.Principal{ACR: "mfa", AuthTime: later}.WithAudience("b", "c"), []string{"b"}, "mfa", later},
		{bearer.Principal{ACR: "pwd", AuthTime: soon}.WithAudience("c"), nil, "", soon},
	} {
		p, err := bearer.Both(constant(first), constant(tt.second)).Verify(t.Context(), "token")
		if err != nil || !slices.Equal(p.Audience(), tt.audiences) || p.ACR != tt.acr || !p.AuthTime.Equal(tt.at) {
			t.Errorf("%+v, %v", p, err)
		}
	}
	first = bearer.Principal{Subject: "alice", Scopes: scope.Of("a", "b"), Expires: later}

	// A second verifier that speaks of no scopes narrows none.
	silent := bearer.Principal{Subject: "alice"}
	p, err := bearer.Both(constant(first), constant(silent)).Verify(t.Context(), "token")
	if err != nil || p.Scopes != first.Scopes || !p.Expires.Equal(later) {
		t.Errorf("%+v, %v", p, err)
	}
	if first.Scopes != scope.Of("a", "b") {
		t.Error("the verifier's own principal was changed")
	}
}

// A verifier that is missing is found when the guard is built, not by a request.
func TestBothOfNil(t *testing.T) {
	yes := bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) { return &bearer.Principal{}, nil })
	for _, v := range []bearer.Verifier{bearer.Both(nil, yes), bearer.Both(yes, nil), bearer.Both(yes, bearer.VerifierFunc(nil))} {
		if _, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{v}}); err == nil {
			t.Error("no error")
		}
	}
}

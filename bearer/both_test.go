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

// A token is accepted only if both verifiers accept it. Each refusal keeps its
// kind.
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
		{"the first has an error beside a principal", says(&alice, bearer.Invalid("exp", "a", "b")), neverAsked, bearer.CodeInvalidToken},
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
				t.Errorf("%s: %v, %v; want an unclassified error", tt.name, p, err)
			}
		case tt.want == "" && (err != nil || p == nil):
			t.Errorf("%s: %v", tt.name, err)
		case tt.want != "" && (!classified || e.Code != tt.want):
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

// The principal of Both never has more than that of either verifier.
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
	// The audiences of both, the earlier times, and the methods of both.
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

	// Any expiry is earlier than none.
	endless := bearer.Principal{Subject: "alice"}
	if p, err := bearer.Both(constant(endless), constant(first)).Verify(t.Context(), "token"); err != nil || !p.Expires.Equal(later) {
		t.Errorf("%+v, %v", p, err)
	}

	// A second verifier without a scope claim does not narrow the scopes.
	silent := bearer.Principal{Subject: "alice"}
	p, err := bearer.Both(constant(first), constant(silent)).Verify(t.Context(), "token")
	if err != nil || p.Scopes != first.Scopes || !p.Expires.Equal(later) {
		t.Errorf("%+v, %v", p, err)
	}
	if first.Scopes != scope.Of("a", "b") {
		t.Error("the verifier's own principal was changed")
	}
}

// A first verifier that says nothing is the guard's problem: Both does not ask
// the second.
func TestBothOfNothing(t *testing.T) {
	nothing := bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) { return nil, nil })
	asked := bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) {
		t.Error("the second verifier is asked")
		return &bearer.Principal{}, nil
	})
	if p, err := bearer.Both(nothing, asked).Verify(t.Context(), "token"); p != nil || err != nil {
		t.Errorf("%+v, %v", p, err)
	}
	if got := serve(newRoute(t, bearer.Config{Verifiers: []bearer.Verifier{bearer.Both(nothing, asked)}}, bearer.RouteConfig{}), get("Bearer token")); got.status != 503 {
		t.Errorf("%d, want 503", got.status)
	}
}

// C10: a token keeps the bindings that either verifier states, and they must not
// contradict each other.
func TestBothBindsAsEither(t *testing.T) {
	values := []string{"", "a", "b"}
	for n := range 3 * 3 * 3 * 3 * 2 * 2 {
		digit := func(base int) int { d := n % base; n /= base; return d }
		c := bearer.Confirmation{JKT: values[digit(3)], X5TS256: values[digit(3)], Other: digit(2) == 1}
		d := bearer.Confirmation{JKT: values[digit(3)], X5TS256: values[digit(3)], Other: digit(2) == 1}
		says := func(c bearer.Confirmation) bearer.Verifier {
			return bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) {
				return &bearer.Principal{Confirmation: c}, nil
			})
		}
		either := func(a, b string) (string, bool) { return max(a, b), a == "" || b == "" || a == b }
		jkt, same := either(c.JKT, d.JKT)
		x5t, alike := either(c.X5TS256, d.X5TS256)
		want := bearer.Confirmation{JKT: jkt, X5TS256: x5t, Other: c.Other || d.Other}
		p, err := bearer.Both(says(c), says(d)).Verify(t.Context(), "token")
		if same && alike != (err == nil) || !same && err == nil || err == nil && p.Confirmation != want {
			t.Errorf("%+v and %+v: %+v, %v; want %+v, unless they contradict each other", c, d, p, err, want)
		}
	}
}

// Reports G1: an empty claim of the second verifier removes all values, and an
// absent one leaves those of the first. The tests of package introspect prove
// it for the answers of a server.
func TestBothDistinguishesEmptyFromAbsent(t *testing.T) {
	at, before := time.Unix(2000, 0), time.Unix(1000, 0)
	first := bearer.Principal{
		Issuer: "i", Subject: "alice", ClientID: "shop", TokenID: "1", ACR: "mfa",
		Scopes: scope.Of("orders:read", "admin"), AuthTime: at, IssuedAt: at, Expires: at,
	}.WithAudience("a", "b").WithAMR("pwd", "otp").WithClaims(`{"scope":"orders:read admin"}`)
	silent := bearer.Principal{Issuer: "i"}
	tests := []struct {
		name   string
		second bearer.Principal
		want   func(*bearer.Principal)
	}{
		{"nothing is stated", silent, func(*bearer.Principal) {}},
		{"no scopes", silent.WithStated(bearer.StatedScopes), func(p *bearer.Principal) { p.Scopes = scope.Set{} }},
		{"no audience", silent.WithStated(bearer.StatedAudience), func(p *bearer.Principal) { *p = p.WithAudience() }},
		{"no acr", silent.WithStated(bearer.StatedACR), func(p *bearer.Principal) { p.ACR = "" }},
		{"no amr", silent.WithStated(bearer.StatedAMR), func(p *bearer.Principal) { *p = p.WithAMR() }},
		{"no auth_time that is of use", silent.WithStated(bearer.StatedAuthTime), func(p *bearer.Principal) { p.AuthTime = time.Time{} }},
		{"all that can be stated", silent.WithStated(0xff), func(p *bearer.Principal) {
			*p = bearer.Principal{Issuer: "i", Subject: "alice", ClientID: "shop", TokenID: "1", IssuedAt: at, Expires: at}
		}},
		{"an earlier iat", bearer.Principal{Issuer: "i", IssuedAt: before}, func(p *bearer.Principal) { p.IssuedAt = before }},
		{"a later auth_time", bearer.Principal{Issuer: "i", AuthTime: at.Add(1)}.WithStated(bearer.StatedAuthTime), func(*bearer.Principal) {}},
		{"a later iat and expiry", bearer.Principal{Issuer: "i", IssuedAt: at.Add(1), Expires: at.Add(1)}, func(*bearer.Principal) {}},
		{"a client's own", bearer.Principal{Issuer: "i", Subject: "alice"}.WithClient(true), func(p *bearer.Principal) { *p = p.WithClient(true) }},
		{"a client's own, without a subject", silent.WithClient(true), func(*bearer.Principal) {}},
		{"a user's", bearer.Principal{Issuer: "i", Subject: "alice"}.WithClient(false), func(*bearer.Principal) {}},
		{"another jti", bearer.Principal{Issuer: "i", TokenID: "2"}, func(*bearer.Principal) {}},
	}
	same := func(p, q *bearer.Principal) bool {
		return p.Issuer == q.Issuer && p.Subject == q.Subject && p.ClientID == q.ClientID && p.TokenID == q.TokenID && p.ACR == q.ACR &&
			p.Scopes == q.Scopes && p.AuthTime.Equal(q.AuthTime) && p.IssuedAt.Equal(q.IssuedAt) && p.Expires.Equal(q.Expires) &&
			slices.Equal(p.Audience(), q.Audience()) && slices.Equal(p.AMR(), q.AMR()) && p.Confirmation == q.Confirmation &&
			p.IsClient() == q.IsClient()
	}
	says := func(p bearer.Principal) bearer.Verifier {
		return bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) { return &p, nil })
	}
	for _, tt := range tests {
		want := first
		tt.want(&want)
		p, err := bearer.Both(says(first), says(tt.second)).Verify(t.Context(), "token")
		if err != nil || !same(p, &want) {
			t.Errorf("%s: %+v, %v; want %+v", tt.name, p, err, want)
			continue
		}
		// The result keeps the stated claims, for an outer Both.
		all := bearer.Both(says(first), bearer.Both(says(first), says(tt.second)))
		if p, err := all.Verify(t.Context(), "token"); err != nil || !same(p, &want) {
			t.Errorf("%s, within another Both: %+v, %v; want %+v", tt.name, p, err, want)
		}
		var firsts map[string]string
		if err := p.Claims(&firsts); err != nil || firsts["scope"] != "orders:read admin" {
			t.Errorf("%s: Claims are %v, %v; want those of the first verifier", tt.name, firsts, err)
		}
	}
	// Both adds identifiers that only the second has, since a deny list may contain them.
	p, err := bearer.Both(says(silent), says(bearer.Principal{Issuer: "i", ClientID: "shop", TokenID: "1", SessionID: "s"})).Verify(t.Context(), "token")
	if err != nil || p.ClientID != "shop" || p.TokenID != "1" || p.SessionID != "s" {
		t.Errorf("identifiers of the second: %+v, %v", p, err)
	}
	own := says(first.WithClient(true))
	if p, err := bearer.Both(own, says(bearer.Principal{Issuer: "i", Subject: "alice"}.WithClient(false))).Verify(t.Context(), "token"); err != nil || !p.IsClient() {
		t.Errorf("a client's own token passes for a user's: %+v, %v", p, err)
	}
	if _, err := bearer.Both(says(first), says(bearer.Principal{Issuer: "i", ClientID: "other"})).Verify(t.Context(), "token"); err == nil {
		t.Error("another client is accepted")
	}
}

// A verifier may share its principal with a cache, so the error of a refusal
// has a copy.
func TestBothCopiesThePrincipalOfARefusal(t *testing.T) {
	shared := bearer.Principal{Issuer: "i", Subject: "alice"}
	both := bearer.Both(
		bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) { return &shared, nil }),
		bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) { return nil, bearer.ErrUnrecognized }),
	)
	_, err := both.Verify(t.Context(), "token")
	e, ok := errors.AsType[*bearer.Error](err)
	if !ok || e.Principal == nil || e.Principal == &shared || e.Principal.Subject != "alice" {
		t.Errorf("%v, %+v", err, e)
	}
}

// New reports a missing verifier, so no request has to.
func TestBothOfNil(t *testing.T) {
	yes := bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) { return &bearer.Principal{}, nil })
	for _, v := range []bearer.Verifier{bearer.Both(nil, yes), bearer.Both(yes, nil), bearer.Both(yes, bearer.VerifierFunc(nil))} {
		if _, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{v}}); err == nil {
			t.Error("no error")
		}
	}
}

// The hint of the second verifier is kept.
func TestBothKeepsTheHint(t *testing.T) {
	unknown := bearer.Unrecognized("active", "a", "b")
	unknown.Hint = "the token was revoked"
	answer := func(p *bearer.Principal, err error) bearer.Verifier {
		return bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) { return p, err })
	}
	_, err := bearer.Both(answer(&bearer.Principal{}, nil), answer(nil, unknown)).Verify(t.Context(), "x")
	if e, ok := errors.AsType[*bearer.Error](err); !ok || e.Code != bearer.CodeInvalidToken || e.Hint != "the token was revoked" {
		t.Errorf("%+v", err)
	}
}

package bearer_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// onlyJWTs is byName that promises more.
type onlyJWTs struct{}

func (onlyJWTs) Verify(ctx context.Context, token string) (*bearer.Principal, error) {
	return byName(ctx, token)
}
func (onlyJWTs) OnlyJWTs() {}

// RFC 6750, Section 2.1: when the characters of a token are looked at is nothing
// that an answer tells, and no other verifier sees what is no token68.
func TestJWTVerifierChangesNoAnswer(t *testing.T) {
	var asked []string
	second := bearer.VerifierFunc(func(_ context.Context, token string) (*bearer.Principal, error) {
		asked = append(asked, token)
		return nil, bearer.Unavailable(errors.New("down"), time.Second)
	})
	plain := bearer.VerifierFunc(byName)
	for _, config := range []bearer.Config{
		{},
		{ProofsRequired: true, Proofs: &proofs{}},
		{FailureLimit: &bearer.FailureLimit{Burst: 2}},
		{InsecureQueryTokens: true},
	} {
		route := func(first bearer.Verifier) *bearer.Route {
			c := config
			c.Verifiers = []bearer.Verifier{first, second}
			return newRoute(t, c, bearer.RouteConfig{Rule: scope.All("orders:read")})
		}
		want, got := route(plain), route(onlyJWTs{})
		for _, token := range []string{
			"good", "expired", "forged", "down", "unknown", "key-bound", "a\"b", "good=", "good==", "=", "go od", "good,good", "gööd", "\x00", "a\x7f", "12345678\x80",
		} {
			for _, scheme := range []string{"Bearer ", "DPoP "} {
				asked = nil
				a, b := serve(want, get(scheme+token)), serve(got, get(scheme+token))
				if a.status != b.status || a.challenge() != b.challenge() || a.body != b.body {
					t.Errorf("%q: %d %s, and of a JWTVerifier %d %s", scheme+token, a.status, a.challenge(), b.status, b.challenge())
				}
				for _, token := range asked {
					if token != "good=" && token != "good==" && token != "unknown" && token != "down" {
						t.Errorf("the second verifier was asked about %q", token)
					}
				}
			}
		}
	}
}

// A cache may hand out the principal that it keeps: whoever may change what they
// are given have their own.
func TestNobodyChangesAVerifiersPrincipal(t *testing.T) {
	kept := alice
	verifier := bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) { return &kept, nil })
	vandal := bearer.RequirementFunc(func(_ *http.Request, p *bearer.Principal) error {
		if p.TokenType != "Bearer" {
			t.Errorf("a requirement sees the type %q", p.TokenType)
		}
		p.Subject, p.Scopes = "mallory", scope.Of("admin")
		return nil
	})
	list := denyList(func(p *bearer.Principal) (bool, error) { p.ClientID = "other"; return false, nil })
	for _, tt := range []struct {
		config bearer.Config
		route  bearer.RouteConfig
	}{
		{route: bearer.RouteConfig{Requirements: []bearer.Requirement{vandal}}},
		{config: bearer.Config{DenyList: list}},
		{route: bearer.RouteConfig{Rule: scope.All("admin")}},
		{route: bearer.RouteConfig{Audience: "https://elsewhere.example.com"}},
		{route: bearer.RouteConfig{Requirements: []bearer.Requirement{bearer.StepUp{ACR: []string{"mfa"}}}}},
		{config: bearer.Config{MaxTokenAge: time.Minute}},
		{},
	} {
		tt.config.Verifiers = []bearer.Verifier{verifier}
		d := newRoute(t, tt.config, tt.route).Decide(get("Bearer good"))
		if p, ok := d.Principal(); ok {
			p.Subject = "mallory"
		}
		var e *bearer.Error
		if errors.As(d.Err(), &e) {
			if e.Principal == nil || e.Principal.TokenType != "Bearer" {
				t.Fatalf("%v is not told whose token it was", e)
			}
			e.Principal.Subject = "mallory"
		}
		if !reflect.DeepEqual(kept, alice) {
			t.Fatalf("%+v became %+v", alice, kept)
		}
	}
	got := serve(newRoute(t, bearer.Config{Verifiers: []bearer.Verifier{verifier}}, bearer.RouteConfig{}), get("Bearer good"))
	got.principal.Subject = "mallory"
	again, _ := bearer.FromContext(got.request.Context())
	if again.Subject != "alice" || again.TokenType != "Bearer" || !reflect.DeepEqual(kept, alice) {
		t.Errorf("%+v", again)
	}
}

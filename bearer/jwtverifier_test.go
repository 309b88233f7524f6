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

// onlyJWTs is byName, and says that it accepts only JWTs, as a jwks.Verifier does.
type onlyJWTs struct{}

func (onlyJWTs) Verify(ctx context.Context, token string) (*bearer.Principal, error) {
	return byName(ctx, token)
}
func (onlyJWTs) OnlyJWTs() {}

// RFC 6750, Section 2.1: no answer depends on when the guard checks a token's
// characters, and no other verifier sees a token that is not a token68.
func TestVerifierOfJWTsChangesNoAnswer(t *testing.T) {
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
		{Sources: headerFormQuery},
	} {
		route := func(first bearer.Verifier) *bearer.Route {
			c := config
			c.Verifiers = []bearer.Verifier{first, second}
			return newRoute(t, c, bearer.RouteConfig{Rule: scope.All("orders:read")})
		}
		accepting := bearer.VerifierFunc(func(ctx context.Context, token string) (*bearer.Principal, error) { return byName(ctx, "good") })
		for _, pair := range [][2]bearer.Verifier{
			{plain, onlyJWTs{}},
			{bearer.Both(plain, accepting), bearer.Both(onlyJWTs{}, accepting)},
		} {
			want, got := route(pair[0]), route(pair[1])
			for _, token := range []string{
				"good", "expired", "forged", "down", "unknown", "key-bound", "a\"b", "good=", "good==", "=", "go od", "good,good", "gööd", "\x00", "a\x7f", "12345678\x80",
			} {
				for _, scheme := range []string{"Bearer ", "DPoP "} {
					asked = nil
					a, b := serve(want, get(scheme+token)), serve(got, get(scheme+token))
					if a.status != b.status || a.challenge() != b.challenge() || a.body != b.body {
						t.Errorf("%q: %d %s, and of a verifier of JWTs %d %s", scheme+token, a.status, a.challenge(), b.status, b.challenge())
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
}

// Wrapping a verifier of JWTs in Both does not cost the check of each character.
func TestBothKeepsThatItsFirstVerifierAcceptsOnlyJWTs(t *testing.T) {
	const malformed = `a"b`
	for _, tt := range []struct {
		name string
		wrap func(first, second bearer.Verifier) bearer.Verifier
		want bool // a verifier is asked before the characters are checked
	}{
		{"alone", func(first, _ bearer.Verifier) bearer.Verifier { return first }, true},
		{"first of Both", bearer.Both, true},
		{"first of Both in Both", func(first, second bearer.Verifier) bearer.Verifier {
			return bearer.Both(bearer.Both(first, second), second)
		}, true},
		{"second of Both", func(first, second bearer.Verifier) bearer.Verifier { return bearer.Both(second, first) }, false},
	} {
		asked := false
		first := recorder{onlyJWTs{}, func() { asked = true }}
		second := bearer.VerifierFunc(func(ctx context.Context, token string) (*bearer.Principal, error) {
			asked = true
			return byName(ctx, token)
		})
		route := newRoute(t, bearer.Config{Verifiers: []bearer.Verifier{tt.wrap(first, second)}}, bearer.RouteConfig{})
		serve(route, get("Bearer "+malformed))
		if asked != tt.want {
			t.Errorf("%s: asked about a malformed token: %t, want %t", tt.name, asked, tt.want)
		}
	}
}

type recorder struct {
	onlyJWTs
	called func()
}

func (r recorder) Verify(ctx context.Context, token string) (*bearer.Principal, error) {
	r.called()
	return r.onlyJWTs.Verify(ctx, token)
}

// A verifier may return the principal that its cache keeps, so code that may
// change a principal gets a copy.
func TestVerifiersPrincipalIsNotChanged(t *testing.T) {
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
				t.Fatalf("%v has no principal", e)
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

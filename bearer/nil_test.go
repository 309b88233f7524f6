package bearer_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/adapters/bearerecho"
	"github.com/bearerkit/bearerkit/adapters/bearergin"
	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/scope"
)

// Reports L19: using a nil guard, for example after ignoring the error of New,
// is reported at registration, with all other mistakes.
func TestNilGuard(t *testing.T) {
	for name, guard := range map[string]*bearer.Guard{"nil": nil, "zero": new(bearer.Guard)} {
		for adapter, register := range map[string]func(){
			"MustRoute":             func() { guard.MustRoute(bearer.RouteConfig{}) },
			"bearerhttp.Require":    func() { bearerhttp.Require(guard, scope.Rule{}) },
			"bearerhttp.Optional":   func() { bearerhttp.Optional(guard, scope.Rule{}) },
			"bearerecho.Require":    func() { bearerecho.Require(guard, scope.Rule{}) },
			"bearergin.Require":     func() { bearergin.Require(guard, scope.Rule{}) },
			"bearerhttp.Require, 2": func() { bearerhttp.Require(guard, scope.Rule{}, nil) },
		} {
			text := panicOf(register)
			if !strings.Contains(text, "bearer: New did not build this Guard; check the error of New") || !strings.Contains(text, "RouteConfig.Rule") {
				t.Errorf("%s of a %s guard: %q", adapter, name, text)
			}
		}
	}
}

// panicOf returns the text with which f panics.
func panicOf(f func()) (text string) {
	defer func() {
		if reason := recover(); reason != nil {
			text = fmt.Sprint(reason)
		}
	}()
	f()
	return ""
}

// Reports L19: a nil route and a nil handler are reported at registration.
func TestProtectNil(t *testing.T) {
	rt := newRoute(t, bearer.Config{}, bearer.RouteConfig{})
	for want, register := range map[string]func(){
		"bearerhttp: Protect: the route is nil": func() { bearerhttp.Protect(nil) },
		"bearerecho: Protect: the route is nil": func() { bearerecho.Protect(nil) },
		"bearergin: Protect: the route is nil":  func() { bearergin.Protect(nil) },
		"bearerhttp: the handler is nil":        func() { bearerhttp.Protect(rt)(nil) },
	} {
		if text := panicOf(register); !strings.Contains(text, want) {
			t.Errorf("%q, want %q", text, want)
		}
	}
}

// Reports L19: a nil route admits no request and does not panic.
func TestNilRoute(t *testing.T) {
	for name, rt := range map[string]*bearer.Route{"nil": nil, "zero": new(bearer.Route)} {
		w := httptest.NewRecorder()
		r := get("Bearer alice")
		if _, ok := rt.Admit(w, r); ok || w.Code != http.StatusInternalServerError {
			t.Errorf("%s: Admit = %t, status %d", name, ok, w.Code)
		}
		if _, ok := rt.AdmitPath(httptest.NewRecorder(), get("Bearer alice"), []string{"id", "id"}, []string{"1", "2"}); ok {
			t.Errorf("%s: AdmitPath lets it in", name)
		}
		if d := rt.Decide(r); d.Allowed() || d.Err() == nil || d.Status() != http.StatusInternalServerError || d.Challenges() != nil {
			t.Errorf("%s: Decide = %v, %v", name, d, d.Err())
		}
	}
}

// Reports L19: a placeholder in place of an audience is reported with the name
// of the field.
func TestRouteRejectsAPlaceholderAudience(t *testing.T) {
	for _, audience := range []string{"{audience}", "<client-id>", "YOUR_API", "orders users", " orders"} {
		_, err := newGuard(t, bearer.Config{}).Route(bearer.RouteConfig{Rule: scope.None, Audience: audience})
		if err == nil || !strings.Contains(err.Error(), "bearer: RouteConfig.Audience ") {
			t.Errorf("%q: %v", audience, err)
		}
	}
}

// Reports L19: a placeholder in the metadata URL is reported.
func TestNewRejectsAPlaceholderInResourceMetadata(t *testing.T) {
	for url, want := range map[string]string{
		"https://{host}/.well-known/oauth-protected-resource":       `"{host}"`,
		"https://YOUR_DOMAIN/.well-known/oauth-protected-resource":  `"YOUR_DOMAIN"`,
		"http://api.example.com/<path>":                             `"<path>"`,
		"https://$API_HOST/.well-known/oauth-protected-resource/v1": `"$API_HOST"`,
	} {
		_, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{bearer.VerifierFunc(byName)}, ResourceMetadata: url})
		if err == nil || !strings.Contains(err.Error(), "bearer: Config.ResourceMetadata ") || !strings.Contains(err.Error(), "placeholder "+want) {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// Reports L19: New reports a nil verifier, even inside Both.
func TestNilIntrospection(t *testing.T) {
	var missing *introspect.Verifier
	for name, v := range map[string]bearer.Verifier{
		"as it is":        missing,
		"TakingJWTs":      missing.TakingJWTs(),
		"Both, first":     bearer.Both(missing, bearer.VerifierFunc(byName)),
		"Both and JWTs":   bearer.Both(bearer.VerifierFunc(byName), missing.TakingJWTs()),
		"an empty source": nil,
	} {
		if _, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{v}}); err == nil || !strings.Contains(err.Error(), "Verifiers[0] is nil") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

package bearerotel_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/adapters/bearerotel"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// A verifier and a requirement of the program that name checks at random add one
// series each. The guard itself replaces a code that it does not know.
func TestUnknownChecks(t *testing.T) {
	s := newSDK(t)
	guard := newGuard(t, s.telemetry(t), bearer.Config{Verifiers: []bearer.Verifier{
		bearer.VerifierFunc(func(_ context.Context, token string) (*bearer.Principal, error) {
			if token == "good" {
				return &bearer.Principal{Subject: "alice"}, nil
			}
			return nil, bearer.Invalid("check "+rand.Text(), "x", token)
		}),
	}})
	route := guard.MustRoute(bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{
		bearer.RequirementFunc(func(*http.Request, *bearer.Principal) error {
			return &bearer.Error{Code: bearer.CodeForbidden, Check: rand.Text()}
		}),
	}})
	for range 1000 {
		for _, token := range []string{"good", "bad"} {
			route.Admit(httptest.NewRecorder(), request("/", "Bearer "+token))
		}
	}
	got := s.read(t, "bearerkit.decision.duration")
	for _, outcome := range []string{"invalid_token", "forbidden"} {
		if n := got["bearerkit.outcome="+outcome+",bearerkit.scheme=Bearer,error.type=_OTHER"]; n != 1000 || len(got) != 2 {
			t.Errorf("%s: %d; %v", outcome, n, got)
		}
	}
}

// The route is the pattern that was registered, and never the path. Without a
// pattern there is no route.
func TestRoute(t *testing.T) {
	for _, tt := range []struct{ pattern, want string }{
		{"GET /orders/{id}", ",http.route=/orders/{id}"},
		{"/orders/{id}", ",http.route=/orders/{id}"},
		{"POST api.example.com/orders/{id...}", ",http.route=/orders/{id...}"},
		{"api.example.com/", ",http.route=/"},
		{"GET  /{$}", ",http.route=/{$}"},
		{"", ""},
		{"GET", ""},
	} {
		s := newSDK(t)
		route := newGuard(t, s.telemetry(t), bearer.Config{}).MustRoute(bearer.RouteConfig{Rule: scope.None})
		r := request("/orders/alice", "Bearer good")
		r.Pattern = tt.pattern
		route.Admit(httptest.NewRecorder(), r)
		got := s.read(t, "bearerkit.decision.duration")
		if n := got["bearerkit.outcome=admitted,bearerkit.scheme=Bearer"+tt.want]; n != 1 || len(got) != 1 {
			t.Errorf("%q: %v, want %q", tt.pattern, got, tt.want)
		}
	}
}

// A program that puts something else than its routes into Request.Pattern has a
// bounded number of series, and all requests are counted.
func TestManyRoutes(t *testing.T) {
	s := newSDK(t)
	route := newGuard(t, s.telemetry(t), bearer.Config{}).MustRoute(bearer.RouteConfig{Rule: scope.None})
	const n = 4000
	for i := range n {
		for _, token := range []string{"good", "forged"} {
			r := request("/", "Bearer "+token)
			r.Pattern = fmt.Sprintf("GET /users/%d", i)
			route.Admit(httptest.NewRecorder(), r)
		}
	}
	got := s.read(t, "bearerkit.decision.duration")
	var sum int64
	for _, count := range got {
		sum += count
	}
	if sum != 2*n || len(got) > 1502 || got["otel.metric.overflow=true"] != 0 {
		t.Errorf("%d requests in %d series, want %d in at most 1,502", sum, len(got), 2*n)
	}
	if got["bearerkit.outcome=admitted,bearerkit.scheme=Bearer,http.route=_OTHER"] < n/2 {
		t.Error("no series of the other routes")
	}
}

// The first 200 issuers have series of their own; the others share one.
func TestManyIssuers(t *testing.T) {
	s := newSDK(t)
	observe := s.telemetry(t).Keys(jwks.Config{}).OnFetch
	for i := range 10_000 {
		observe(jwks.Fetch{Issuer: fmt.Sprintf("https://tenant-%d.example.com", i), Keys: 1})
	}
	got := s.read(t, "bearerkit.key.fetch.duration")
	if n := got["bearerkit.issuer.hash=_OTHER,bearerkit.key.document=keys"]; n != 9800 || len(got) != 201 {
		t.Errorf("%d fetches of other issuers, %d series", n, len(got))
	}
	if n := got["bearerkit.issuer.hash="+bearerotel.IssuerHash("https://tenant-7.example.com")+",bearerkit.key.document=keys"]; n != 1 {
		t.Errorf("%d fetches of the seventh issuer", n)
	}
}

// printf %s https://login.example.com | sha256sum | cut -c 1-16
func TestIssuerHash(t *testing.T) {
	if got := bearerotel.IssuerHash("https://login.example.com"); got != "4b246bc1a12459de" {
		t.Error(got)
	}
}

// Nothing of the token, the caller or the path is in a metric or a span.
func TestNothingPersonal(t *testing.T) {
	s := newSDK(t)
	route := newGuard(t, s.telemetry(t), bearer.Config{}).MustRoute(bearer.RouteConfig{Rule: scope.All("orders:read")})
	mux := http.NewServeMux()
	mux.Handle("GET /users/{user}/orders", bearerhttp.Protect(route)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	for _, token := range []string{"good", "poor", "forged", "expired", "down", "x-secret-x"} {
		mux.ServeHTTP(httptest.NewRecorder(), request("/users/alice/orders?token=x-secret-x", "Bearer "+token))
	}
	h := otelhttp.NewHandler(mux, "api", otelhttp.WithMeterProvider(s.meters), otelhttp.WithTracerProvider(s.tracers))
	h.ServeHTTP(httptest.NewRecorder(), request("/users/bob/orders", "Bearer x-secret-x"))
	text := fmt.Sprint(s.read(t, "bearerkit.decision.duration"), s.read(t, "bearerkit.challenges"))
	for _, span := range s.spans.Ended() {
		for _, event := range span.Events() {
			text += fmt.Sprint(event.Name, event.Attributes)
		}
		for _, kv := range span.Attributes() {
			if strings.HasPrefix(string(kv.Key), "bearerkit.") || kv.Key == "error.type" {
				text += fmt.Sprint(kv)
			}
		}
	}
	for _, secret := range []string{"alice", "bob", "x-secret-x", "keys.internal"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in %s", secret, text)
		}
	}
	if !strings.Contains(text, "/users/{user}/orders") {
		t.Errorf("the route is not in %s", text)
	}
}

// Every check in docs/checks.md is known. A field that the program reads tokens
// from may have any name.
func TestKnownChecks(t *testing.T) {
	page, err := os.ReadFile("../../docs/checks.md")
	if err != nil {
		t.Fatal(err)
	}
	checks := regexp.MustCompile("(?m)^\\| `([^`]+)` \\(\\d+\\)").FindAllStringSubmatch(string(page), -1)
	if len(checks) < 80 {
		t.Fatalf("%d rows", len(checks))
	}
	s := newSDK(t)
	observe := s.telemetry(t)
	for _, m := range checks {
		if m[1] == "X-Token" {
			continue
		}
		route := newGuard(t, observe, bearer.Config{Verifiers: []bearer.Verifier{
			bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) { return nil, bearer.Invalid(m[1], "", "") }),
		}}).MustRoute(bearer.RouteConfig{Rule: scope.None})
		route.Admit(httptest.NewRecorder(), request("/", "Bearer x"))
	}
	for series := range s.read(t, "bearerkit.decision.duration") {
		if strings.Contains(series, "_OTHER") {
			t.Error("a check of docs/checks.md is unknown: add it to check.go")
		}
	}
}

// The hook of the program runs too, once for each decision.
func TestGuardKeepsOnDecision(t *testing.T) {
	s := newSDK(t)
	calls := 0
	route := newGuard(t, s.telemetry(t), bearer.Config{
		OnDecision: func(_ *http.Request, d bearer.Decision, took time.Duration) {
			if d.Allowed() && took > 0 {
				calls++
			}
		},
	}).MustRoute(bearer.RouteConfig{Rule: scope.None})
	route.Admit(httptest.NewRecorder(), request("/", "Bearer good"))
	if got := s.read(t, "bearerkit.decision.duration"); calls != 1 || len(got) != 1 {
		t.Errorf("%d calls, %v", calls, got)
	}
}

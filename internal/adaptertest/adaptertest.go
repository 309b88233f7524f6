// Package adaptertest has what the tests of several adapters share, beside the
// suites of package bearertest.
package adaptertest

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/scope"
)

// NewGuard returns a guard that accepts two tokens: alice, which has no scopes, and
// reader, which has orders:read. The guard writes its log to logged as JSON.
func NewGuard(t *testing.T, logged io.Writer) *bearer.Guard {
	t.Helper()
	guard, err := bearer.New(bearer.Config{
		Verifiers: []bearer.Verifier{bearertest.Principals{
			"alice": {Subject: "alice"}, "reader": {Subject: "bob", Scopes: scope.Of("orders:read")},
		}},
		RequestID: func(*http.Request) string { return "request-1" },
		Logger:    slog.New(slog.NewJSONHandler(logged, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return guard
}

// Call serves a request such as "GET /orders", or "GET /orders alice" with a token.
func Call(h http.Handler, request string) *httptest.ResponseRecorder {
	method, target, _ := strings.Cut(request, " ")
	target, token, _ := strings.Cut(target, " ")
	r := httptest.NewRequestWithContext(context.Background(), method, target, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// CheckStatuses calls h with each request, and compares the status.
func CheckStatuses(t *testing.T, h http.Handler, want map[string]int) {
	t.Helper()
	for request, status := range want {
		if w := Call(h, request); w.Code != status {
			t.Errorf("%s: %d %s; want %d", request, w.Code, w.Body, status)
		}
	}
}

// CheckUndeclared checks the whole answer to GET /api/debug, a route that is not
// declared, and its log record.
func CheckUndeclared(t *testing.T, h http.Handler, logged *bytes.Buffer) {
	t.Helper()
	logged.Reset()
	w := Call(h, "GET /api/debug alice")
	const body = `{"status":500,"error_description":"The server cannot handle requests of this kind.","request_id":"request-1"}` + "\n"
	if w.Code != 500 || w.Body.String() != body || w.Header()["Www-Authenticate"] != nil || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	for _, part := range []string{`"level":"ERROR"`, `"code":"misconfigured"`, `"check":"rule"`, `"got":"GET /api/debug with neither"`, `"hint":"register the route with a rule`} {
		if !strings.Contains(logged.String(), part) {
			t.Errorf("no %s in %s", part, logged)
		}
	}
}

// CheckPattern checks that the hooks of a guard read the path of a route. The
// handler that mount returns serves GET /orders/:id with the guard.
func CheckPattern(t *testing.T, mount func(*bearer.Guard) http.Handler) {
	t.Helper()
	var patterns []string
	guard, err := bearer.New(bearer.Config{
		Verifiers:  []bearer.Verifier{bearertest.Principals{"alice": {Subject: "alice"}}},
		OnDecision: func(r *http.Request, _ bearer.Decision, _ time.Duration) { patterns = append(patterns, r.Pattern) },
	})
	if err != nil {
		t.Fatal(err)
	}
	h := mount(guard)
	Call(h, "GET /orders/7 alice")
	Call(h, "GET /orders/7")
	if want := []string{"/orders/:id", "/orders/:id"}; !slices.Equal(patterns, want) {
		t.Errorf("%q, want %q", patterns, want)
	}
}

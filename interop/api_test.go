package interop_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

func TestMain(m *testing.M) {
	// Most tests wait: for a server to start, or for a token to expire. The flag
	// -parallel still counts, because it is parsed later.
	_ = flag.Set("test.parallel", "6")
	slog.SetDefault(slog.New(slog.DiscardHandler)) // the example OP logs each request
	code := m.Run()
	if bearerFolder != "" {
		_ = os.RemoveAll(bearerFolder)
	}
	os.Exit(code)
}

const challengePrefix = `Bearer realm="interop"`

// api is an API on loopback that bearerkit protects.
type api struct {
	verifier *jwks.Verifier       // nil: none
	opaque   *introspect.Verifier // nil: none
	url      string

	mu     sync.Mutex
	events map[string]bearer.Event // by request id
	log    bytes.Buffer
}

// newAPI returns an API that accepts JWTs.
func newAPI(t *testing.T, c jwks.Config) *api {
	t.Helper()
	a := &api{events: make(map[string]bearer.Event)}
	c.Logger = a.logger()
	var err error
	if a.verifier, err = jwks.New(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.verifier.Close)
	a.serve(t, a.verifier)
	return a
}

func (a *api) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(&lockedWriter{a}, nil)) }

// serve protects GET /me, which needs any valid token, and GET /orders, which needs
// the scope orders:read. The other routes need roles.
func (a *api) serve(t *testing.T, verifiers ...bearer.Verifier) {
	t.Helper()
	a.serveGuarded(t, a.guard(t, bearer.Config{Verifiers: verifiers}))
}

func (a *api) serveGuarded(t *testing.T, guard *bearer.Guard) {
	t.Helper()
	me := http.HandlerFunc(showPrincipal)
	mux := http.NewServeMux()
	mux.Handle("GET /me", bearerhttp.Require(guard, scope.None)(me))
	mux.Handle("GET /orders", bearerhttp.Require(guard, scope.All("orders:read"))(me))
	for pattern, requirement := range roleRoutes {
		mux.Handle(pattern, bearerhttp.Require(guard, scope.None, requirement)(me))
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	a.url = server.URL
}

// guard returns a guard whose refusals and log the API records.
func (a *api) guard(t *testing.T, c bearer.Config) *bearer.Guard {
	t.Helper()
	c.Realm = "interop"
	c.Logger = a.logger()
	c.OnRefusal = func(_ *http.Request, e bearer.Event) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.events[e.RequestID] = e
	}
	guard, err := bearer.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return guard
}

func showPrincipal(w http.ResponseWriter, r *http.Request) {
	p, _ := bearer.FromContext(r.Context())
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(principal{
		Issuer: p.Issuer, Subject: p.Subject, ClientID: p.ClientID, TokenType: p.TokenType,
		Audience: p.Audience(), Scopes: p.Scopes.String(), Client: p.IsClient(), Path: r.RequestURI, Roles: p.Roles(),
	})
}

type lockedWriter struct{ a *api }

func (w *lockedWriter) Write(b []byte) (int, error) {
	w.a.mu.Lock()
	defer w.a.mu.Unlock()
	return w.a.log.Write(b)
}

func (a *api) logged() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.log.String()
}

type principal struct {
	Issuer, Subject, ClientID, TokenType string
	Audience                             []string
	Scopes                               string
	Client                               bool
	Path                                 string // of the request, with its query
	Roles                                []string
}

// answer is the answer to a client and the event of the refusal.
type answer struct {
	status     int
	challenge  string
	retryAfter string
	principal  principal
	event      bearer.Event
}

func (a *api) get(t *testing.T, path, token string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := answer{
		status:     resp.StatusCode,
		challenge:  resp.Header.Get("WWW-Authenticate"),
		retryAfter: resp.Header.Get("Retry-After"),
	}
	if got.status == http.StatusOK {
		if err := json.Unmarshal(body, &got.principal); err != nil {
			t.Fatal(err)
		}
		return got
	}
	got.event = a.refusal(t, body)
	if bytes.Contains(body, []byte(token)) || strings.Contains(a.logged(), token) {
		t.Error("the answer or the log contains the token")
	}
	return got
}

// refusal returns the event of the refusal with the given body.
func (a *api) refusal(t *testing.T, body []byte) bearer.Event {
	t.Helper()
	var refusal struct {
		RequestID string `json:"request_id"`
	}
	if err := json.Unmarshal(body, &refusal); err != nil {
		t.Fatalf("the body of a refusal is not JSON: %v: %s", err, body)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.events[refusal.RequestID]
}

// accepts requires 200 and returns the principal that the API saw.
func (a *api) accepts(t *testing.T, path, token string) principal {
	t.Helper()
	got := a.get(t, path, token)
	if got.status != http.StatusOK {
		t.Fatalf("GET %s: %d; want 200 (check %q, expected %q, got %q, cause %q; claims %s)",
			path, got.status, got.event.Check, got.event.Expected, got.event.Got, got.event.Cause, claimsOf(token))
	}
	return got.principal
}

// refuses requires 401 invalid_token on every route, because of the given check.
func (a *api) refuses(t *testing.T, token, check string) bearer.Event {
	t.Helper()
	var event bearer.Event
	for _, route := range []struct{ path, scope string }{{"/me", ""}, {"/orders", `, scope="orders:read"`}} {
		got := a.get(t, route.path, token)
		description := "The access token is invalid."
		if check == "exp" {
			description = "The access token has expired."
		}
		challenge := challengePrefix + `, error="invalid_token", error_description="` + description + `"` + route.scope
		if got.status != http.StatusUnauthorized || got.challenge != challenge {
			t.Errorf("GET %s: %d %s; want 401 %s (claims %s)", route.path, got.status, got.challenge, challenge, claimsOf(token))
		}
		if got.event.Check != check {
			t.Errorf("GET %s: refused by check %q (expected %q, got %q); want %q",
				route.path, got.event.Check, got.event.Expected, got.event.Got, check)
		}
		event = got.event
	}
	return event
}

// wantsScope requires 403 on /orders and 200 on /me.
func (a *api) wantsScope(t *testing.T, token string) {
	t.Helper()
	a.accepts(t, "/me", token)
	got := a.get(t, "/orders", token)
	challenge := challengePrefix + `, error="insufficient_scope", ` +
		`error_description="The access token lacks a scope that the request needs.", scope="orders:read"`
	if got.status != http.StatusForbidden || got.challenge != challenge {
		t.Errorf("GET /orders: %d %s; want 403 %s", got.status, got.challenge, challenge)
	}
}

// unavailable requires 503 with Retry-After and without a challenge.
func (a *api) unavailable(t *testing.T, token string) {
	t.Helper()
	got := a.get(t, "/me", token)
	if got.status != http.StatusServiceUnavailable || got.retryAfter == "" || got.challenge != "" {
		t.Errorf("GET /me: %d, Retry-After %q, WWW-Authenticate %q; want 503 with Retry-After and no challenge",
			got.status, got.retryAfter, got.challenge)
	}
}

// awaitReady waits until the API has its keys. It sends no token.
func (a *api) awaitReady(t *testing.T, within time.Duration) {
	t.Helper()
	eventually(t, within, "Ready returns nil", func() bool { return a.verifier.Ready() == nil })
}

// eventually polls until f returns true. It fails the test after the given time.
func eventually(t *testing.T, within time.Duration, what string, f func() bool) {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-deadline.C:
			t.Fatalf("not within %v: %s", within, what)
		case <-tick.C:
		}
	}
}

// headerOf and claimsOf decode a JWT without verifying it.
func headerOf(token string) map[string]any { return decodePart(token, 0) }
func claimsOf(token string) claimSet       { return decodePart(token, 1) }

func decodePart(token string, i int) (m map[string]any) {
	parts := strings.Split(token, ".")
	if len(parts) <= i {
		return nil
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[i])
	if err != nil || json.Unmarshal(b, &m) != nil {
		return nil
	}
	return m
}

type claimSet map[string]any

func (c claimSet) String() string {
	b, _ := json.Marshal(map[string]any(c))
	return string(b)
}

func (c claimSet) names() []string { return slices.Sorted(maps.Keys(c)) }

package interop_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/scope"
)

// serveFiber serves an application on loopback, and returns its URL.
func serveFiber(t *testing.T, app *fiber.App) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- app.Listener(l, fiber.ListenConfig{DisableStartupMessage: true}) }()
	t.Cleanup(func() {
		if err := app.Shutdown(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "http://" + l.Addr().String()
}

// callFiber returns the status and the body of a request with these Authorization
// lines.
func callFiber(t *testing.T, url string, authorization ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header["Authorization"] = authorization
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// docs/fiber.md says why there is no adapter for Fiber, and how to protect a Fiber
// application. If this test fails with a new version of Fiber, a reason is gone.
func TestFiber(t *testing.T) {
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{bearertest.Principals{"alice": {Subject: "alice"}}}})
	if err != nil {
		t.Fatal(err)
	}
	subject := func(c fiber.Ctx) error {
		p, _ := bearer.FromContext(c.Context())
		return c.SendString("subject " + p.Subject)
	}
	app := fiber.New()
	app.Get("/me", adaptor.HTTPMiddleware(bearerhttp.Require(guard, scope.None)), subject)
	app.Get("/users/:id", adaptor.HTTPMiddleware(bearerhttp.Require(guard, scope.None, bearer.SubjectInPath("id"))), subject)
	var kept []string
	app.Get("/keep", adaptor.HTTPHandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		kept = append(kept, r.Header.Get("Authorization"))
	}))
	url := serveFiber(t, app)

	if status, body := callFiber(t, url+"/me", "Bearer alice"); status != 200 || body != "subject " {
		t.Errorf("the caller reaches a handler of Fiber: %d %s", status, body)
	}
	if status, _ := callFiber(t, url+"/me", "Bearer mallory", "Bearer alice"); status != 200 {
		t.Errorf("two Authorization lines: %d", status)
	}
	if status, _ := callFiber(t, url+"/users/alice", "Bearer alice"); status != 403 {
		t.Errorf("a requirement reads a path parameter: %d", status)
	}
	callFiber(t, url+"/keep", "Bearer first")
	callFiber(t, url+"/keep", "Bearer other")
	if kept[0] != kept[1] {
		t.Errorf("strings outlive a request: %q", kept)
	}

	// The way that the page recommends.
	mux := http.NewServeMux()
	mux.Handle("/", bearerhttp.Require(guard, scope.None)(adaptor.FiberApp(app)))
	front := httptest.NewServer(mux)
	t.Cleanup(front.Close)
	for _, tt := range []struct {
		authorization []string
		status        int
	}{
		{[]string{"Bearer alice"}, 200},
		{[]string{"Bearer mallory"}, 401},
		{[]string{"Bearer mallory", "Bearer alice"}, 400},
		{nil, 401},
	} {
		if status, _ := callFiber(t, front.URL+"/keep", tt.authorization...); status != tt.status {
			t.Errorf("%q: %d, want %d", tt.authorization, status, tt.status)
		}
	}
}

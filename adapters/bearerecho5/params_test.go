package bearerecho5_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v5"

	"github.com/bearerkit/bearerkit/adapters/bearerecho5"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/adaptertest"
	"github.com/bearerkit/bearerkit/scope"
)

// readings records the path parameters that policies and handlers read.
type readings struct{ policy, handler []string }

// Check is a policy that records what it reads.
func (s *readings) Check(r *http.Request, _ *bearer.Principal) error {
	s.policy = append(s.policy, r.PathValue("id"), r.PathValue("*"))
	return nil
}

func (s *readings) handle(c *echo.Context) error {
	s.handler = append(s.handler, c.Param("id"), c.Param("*"))
	return c.NoContent(http.StatusOK)
}

func get(h http.Handler, target string) *httptest.ResponseRecorder {
	return serve(h, http.MethodGet, target, "alice")
}

// serve serves a request with the token, or without credentials if it is empty.
func serve(h http.Handler, method, target, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), method, target, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// Reports G6: a policy and its handler read the same value, however the client
// encodes the path, and also behind several guards.
func TestPolicyAndHandlerReadOneValue(t *testing.T) {
	tests := []struct {
		target, id, rest string
	}{
		{"/users/alice", "alice", ""},
		{"/users/%61lice", "alice", ""},
		{"/users/%2561lice", "%61lice", ""},
		{"/users/%2561lic%65", "%61lice", ""},
		{"/users/auth0%7Cbob", "auth0|bob", ""},
		{"/users/auth0%7cbob", "auth0|bob", ""},
		{"/users/a+b%20c%2B", "a+b c+", ""},
		{"/users/%2e%2E", "..", ""},
		{"/users/%5c", `\`, ""},
		{"/users/%00", "\x00", ""},
		{"/users/%ff%FE", "\xff\xfe", ""},
		{"/users/a%2Fb", "a/b", ""},
		{"/users/a%252fb", "a%2fb", ""},
		{"/users/a%252fb%2F%61", "a%2fb/a", ""},
		{"/files/a/b%20c", "", "a/b c"},
		{"/files/a/%62%20c", "", "a/b c"},
		// An encoded slash must not produce a path that Echo did not match:
		// /files/admin/* may have a guard of its own (GHSA-vfp3-v2gw-7wfq).
		{"/files/admin%2Fprivate.txt", "", "admin%2Fprivate.txt"},
		{"/files/admin%2fprivate%2etxt", "", "admin%2fprivate%2etxt"},
		{"/files/a/%2e%2e/b", "", "a/../b"},
		{"/both/%61%2fx/b%2fc", "a/x", "b%2fc"},
		// An inline verb ends a value at a literal colon.
		{"/jobs/%61:b:cancel", "a:b", ""},
		{"/jobs/%61%3Ab:cancel", "a:b", ""},
	}
	for _, guards := range []int{1, 2, 3} {
		for _, tt := range tests {
			var got readings
			e := echo.New()
			protect := bearerecho5.Require(adaptertest.NewGuard(t, new(bytes.Buffer)), scope.None, &got)
			chain := slices.Repeat([]echo.MiddlewareFunc{protect}, guards)
			e.GET("/users/:id", got.handle, chain...)
			e.GET("/files/*", got.handle, chain...)
			e.GET("/both/:id/*", got.handle, chain...)
			e.GET(`/jobs/:id\:cancel`, got.handle, chain...)
			w := get(e, tt.target)
			want := []string{tt.id, tt.rest}
			if w.Code != http.StatusOK || !slices.Equal(got.handler, want) || !slices.Equal(got.policy, slices.Repeat(want, guards)) {
				t.Errorf("%s, %d guards: %d, the policy reads %q, the handler %q; want %q", tt.target, guards, w.Code, got.policy, got.handler, want)
			}
		}
	}
}

// Reports G5: mallory must not be able to read alice's data because the policy
// and the handler read different parameters with the same name.
func TestRepeatedParameterIsRefused(t *testing.T) {
	var logged bytes.Buffer
	var got readings
	e := echo.New()
	protect := bearerecho5.Require(adaptertest.NewGuard(t, &logged), scope.None, &got)
	e.GET("/users/:id/friends/:id", got.handle, protect)
	e.Group("/teams/:team").GET("/members/:team", got.handle, protect)
	e.POST("/x/:a/y/:b/z/:a", got.handle, protect)
	e.POST(`/jobs/:id/runs/:id\:cancel`, got.handle, protect)
	e.GET("/orders/:id/items/:item", got.handle, protect)
	e.GET(`/v1\:id/:id/*`, got.handle, protect)

	const body = `{"status":500,"error_description":"The server cannot handle requests of this kind.","request_id":"request-1"}` + "\n"
	for _, target := range []string{"/users/mallory/friends/alice", "/teams/1/members/2"} {
		logged.Reset()
		w := get(e, target)
		if w.Code != http.StatusInternalServerError || w.Body.String() != body || w.Header()["Www-Authenticate"] != nil || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v %s", target, w.Code, w.Header(), w.Body)
		}
		for _, part := range []string{`"level":"ERROR"`, `"code":"misconfigured"`, `"check":"path parameters"`, `twice"`, target} {
			if !strings.Contains(logged.String(), part) {
				t.Errorf("%s: no %s in %s", target, part, logged.String())
			}
		}
	}
	if got.policy != nil || got.handler != nil {
		t.Errorf("the policy read %q, the handler %q", got.policy, got.handler)
	}
	want := `bearerecho5: the path of POST /jobs/:id/runs/:id\:cancel has the parameter "id" twice, so a policy and the handler may read different values; rename one
bearerecho5: the path of GET /teams/:team/members/:team has the parameter "team" twice, so a policy and the handler may read different values; rename one
bearerecho5: the path of GET /users/:id/friends/:id has the parameter "id" twice, so a policy and the handler may read different values; rename one
bearerecho5: the path of POST /x/:a/y/:b/z/:a has the parameter "a" twice, so a policy and the handler may read different values; rename one`
	if err := fmt.Sprint(bearerecho5.CheckRoutes(e)); err != want {
		t.Errorf("CheckRoutes:\n%s\nwant\n%s", err, want)
	}
	fine := echo.New()
	fine.GET("/orders/:id/items/:item", got.handle, protect)
	fine.GET(`/v1\:id/:id/*`, got.handle, protect)
	fine.GET(`/jobs/:id/runs/:run\:id`, got.handle, protect)
	if err := bearerecho5.CheckRoutes(fine); err != nil {
		t.Error(err)
	}
	if w := get(fine, "/orders/a/items/b"); w.Code != http.StatusOK {
		t.Errorf("two names: %d", w.Code)
	}
}

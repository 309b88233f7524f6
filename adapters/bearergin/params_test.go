package bearergin_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/bearerkit/bearerkit/adapters/bearergin"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/adaptertest"
	"github.com/bearerkit/bearerkit/scope"
)

// readings records the path parameters that policies and handlers read.
type readings struct{ policy, handler []string }

// Check is a policy that records what it reads.
func (s *readings) Check(r *http.Request, _ *bearer.Principal) error {
	s.policy = append(s.policy, r.PathValue("id"), r.PathValue("rest"))
	return nil
}

func (s *readings) handle(c *gin.Context) {
	s.handler = append(s.handler, c.Param("id"), c.Param("rest"))
	c.Status(http.StatusOK)
}

func get(h http.Handler, target string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, target, nil)
	r.Header.Set("Authorization", "Bearer alice")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// Reports G6: a policy and its handler read the same value, however the client
// encodes the path and however the engine is configured.
func TestPolicyAndHandlerReadOneValue(t *testing.T) {
	type want struct{ id, rest string } // zero: 404
	decoded := func(*gin.Engine) {}
	raw := func(e *gin.Engine) { e.UseRawPath = true }
	escaped := func(e *gin.Engine) { e.UseEscapedPath = true }
	keeping := func(e *gin.Engine) { e.UseRawPath, e.UnescapePathValues = true, false }
	engines := []func(*gin.Engine){decoded, raw, escaped, keeping}
	tests := []struct {
		target string
		want   [4]want // by engine
	}{
		{"/users/alice", [4]want{{"alice", ""}, {"alice", ""}, {"alice", ""}, {"alice", ""}}},
		{"/users/%61lice", [4]want{{"alice", ""}, {"alice", ""}, {"alice", ""}, {"%61lice", ""}}},
		{"/users/%2561lice", [4]want{{"%61lice", ""}, {"%61lice", ""}, {"%61lice", ""}, {"%61lice", ""}}},
		{"/users/%2561lic%65", [4]want{{"%61lice", ""}, {"%61lice", ""}, {"%61lice", ""}, {"%2561lic%65", ""}}},
		{"/users/auth0%7cbob", [4]want{{"auth0|bob", ""}, {"auth0|bob", ""}, {"auth0|bob", ""}, {"auth0%7cbob", ""}}},
		{"/users/a+b%2B", [4]want{{"a+b+", ""}, {"a b+", ""}, {"a b+", ""}, {"a+b%2B", ""}}},
		{"/users/a%2Fb", [4]want{{}, {"a/b", ""}, {"a/b", ""}, {"a%2Fb", ""}}},
		{"/files/a/b%20c", [4]want{{"", "/a/b c"}, {"", "/a/b c"}, {"", "/a/b c"}, {"", "/a/b c"}}},
		{"/files/admin%2Fprivate.txt", [4]want{{"", "/admin/private.txt"}, {"", "/admin/private.txt"}, {"", "/admin/private.txt"}, {"", "/admin%2Fprivate.txt"}}},
		{"/both/%61/b%2fc", [4]want{{"a", "/b/c"}, {"a", "/b/c"}, {"a", "/b/c"}, {"%61", "/b%2fc"}}},
	}
	for i, set := range engines {
		for _, guards := range []int{1, 2} {
			for _, tt := range tests {
				var got readings
				engine := gin.New()
				set(engine)
				protect := bearergin.Require(adaptertest.NewGuard(t, new(bytes.Buffer)), scope.None, &got)
				chain := append(slices.Repeat([]gin.HandlerFunc{protect}, guards), got.handle)
				engine.GET("/users/:id", chain...)
				engine.GET("/files/*rest", chain...)
				engine.GET("/both/:id/*rest", chain...)
				w := get(engine, tt.target)
				if tt.want[i] == (want{}) {
					if w.Code != http.StatusNotFound || got.policy != nil || got.handler != nil {
						t.Errorf("%s, engine %d: %d, %q, %q", tt.target, i, w.Code, got.policy, got.handler)
					}
					continue
				}
				want := []string{tt.want[i].id, tt.want[i].rest}
				if w.Code != http.StatusOK || !slices.Equal(got.handler, want) || !slices.Equal(got.policy, slices.Repeat(want, guards)) {
					t.Errorf("%s, engine %d, %d guards: %d, the policy reads %q, the handler %q; want %q", tt.target, i, guards, w.Code, got.policy, got.handler, want)
				}
			}
		}
	}
}

// Reports G5: mallory must not be able to read alice's data because the policy
// and the handler read different parameters with the same name.
func TestRepeatedParameterIsRefused(t *testing.T) {
	var logged bytes.Buffer
	var got readings
	engine := gin.New()
	protect := bearergin.Require(adaptertest.NewGuard(t, &logged), scope.None, &got)
	engine.GET("/users/:id/friends/:id", protect, got.handle)
	engine.Group("/teams/:team", protect).GET("/members/:team", got.handle)
	engine.POST("/x/:a/y/:b/z/*a", protect, got.handle)
	engine.GET("/orders/:id/items/:item", protect, got.handle)

	const body = `{"status":500,"error_description":"The server cannot handle requests of this kind.","request_id":"request-1"}` + "\n"
	for _, target := range []string{"/users/mallory/friends/alice", "/teams/1/members/2"} {
		logged.Reset()
		w := get(engine, target)
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
	want := []string{
		`bearer: the path of GET /teams/:team/members/:team has the parameter "team" twice, so a policy and the handler may read different values; rename one`,
		`bearer: the path of GET /users/:id/friends/:id has the parameter "id" twice, so a policy and the handler may read different values; rename one`,
		`bearer: the path of POST /x/:a/y/:b/z/*a has the parameter "a" twice, so a policy and the handler may read different values; rename one`,
	}
	lines := strings.Split(fmt.Sprint(bearergin.CheckRoutes(engine)), "\n")
	if slices.Sort(lines); !slices.Equal(lines, want) {
		t.Errorf("CheckRoutes: %q, want %q", lines, want)
	}
	fine := gin.New()
	fine.GET("/orders/:id/items/:item", protect, got.handle)
	fine.GET(`/v1\:id/:id/*rest`, protect, got.handle)
	if err := bearergin.CheckRoutes(fine); err != nil {
		t.Error(err)
	}
	if w := get(fine, "/orders/a/items/b"); w.Code != http.StatusOK {
		t.Errorf("two names: %d", w.Code)
	}
}

package bearerecho5_test

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v5"

	"github.com/bearerkit/bearerkit/adapters/bearerecho5"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/adaptertest"
	"github.com/bearerkit/bearerkit/scope"
)

// Reports G6: a router that unescapes values, or matches the decoded path, does
// not make the adapter unescape them a second time.
func TestRouterThatUnescapes(t *testing.T) {
	routers := map[string]echo.RouterConfig{
		"unescapes the values":                       {UnescapePathParamValues: true},
		"matches the decoded path":                   {UseEscapedPathForMatching: true},
		"matches the decoded path, unescapes values": {UseEscapedPathForMatching: true, UnescapePathParamValues: true},
	}
	tests := []struct {
		target, id, rest string
	}{
		{"/users/alice", "alice", ""},
		{"/users/%61lice", "alice", ""},
		{"/users/%2561lice", "%61lice", ""},
		{"/users/%2561lic%65", "%61lice", ""},
		{"/users/%252561%6cice", "%2561lice", ""},
		{"/users/auth0%7cbob", "auth0|bob", ""},
		{"/users/a%252fb%21", "a%2fb!", ""},
		{"/files/%2561/b%2563%64", "", "%61/b%63d"},
		{"/both/%2561/%2562%63", "%61", "%62c"},
		{"/jobs/%2561%62:cancel", "%61b", ""},
	}
	for name, config := range routers {
		t.Run(name, func(t *testing.T) {
			for _, guards := range []int{1, 2} {
				for _, tt := range tests {
					var got readings
					e := echo.NewWithConfig(echo.Config{Router: echo.NewConcurrentRouter(echo.NewRouter(config))})
					protect := bearerecho5.Require(adaptertest.NewGuard(t, new(bytes.Buffer)), scope.None, &got)
					chain := slices.Repeat([]echo.MiddlewareFunc{protect}, guards)
					for _, path := range []string{"/users/:id", "/files/*", "/both/:id/*", `/jobs/:id\:cancel`} {
						e.GET(path, got.handle, chain...)
					}
					w := get(e, tt.target)
					want := []string{tt.id, tt.rest}
					if w.Code != http.StatusOK || !slices.Equal(got.handler, want) || !slices.Equal(got.policy, slices.Repeat(want, guards)) {
						t.Errorf("%s, %d guards: %d, the policy reads %q, the handler %q; want %q", tt.target, guards, w.Code, got.policy, got.handler, want)
					}
				}
			}
		})
	}
}

// For a method that no route has, Echo leaves the names of earlier requests'
// parameters in the context. A guard for the whole server must not read them.
func TestMethodNotAllowed(t *testing.T) {
	var logged bytes.Buffer
	var got readings
	e := echo.New()
	e.Use(bearerecho5.Require(adaptertest.NewGuard(t, &logged), scope.None, &got))
	e.GET("/a/:id", got.handle)
	e.GET("/b/:other/:id", got.handle)
	for range 50 { // the pool of contexts may drop some
		for _, target := range []string{"/b/1/2", "/a/3"} {
			if w := get(e, target); w.Code != http.StatusOK {
				t.Fatalf("%s: %d", target, w.Code)
			}
		}
		got = readings{}
		w := serve(e, http.MethodDelete, "/b/1/2", "alice")
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "OPTIONS, GET" || !slices.Equal(got.policy, []string{"", ""}) {
			t.Fatalf("%d %v, the policy reads %q; log: %s", w.Code, w.Header(), got.policy, logged.String())
		}
	}
	for _, tt := range []struct {
		method, target, token string
		want                  int
	}{
		{http.MethodDelete, "/b/1/2", "", http.StatusUnauthorized},
		{http.MethodGet, "/none", "", http.StatusUnauthorized},
		{http.MethodGet, "/none", "alice", http.StatusNotFound},
	} {
		if w := serve(e, tt.method, tt.target, tt.token); w.Code != tt.want {
			t.Errorf("%s %s, token %q: %d, want %d", tt.method, tt.target, tt.token, w.Code, tt.want)
		}
	}
}

// RFC 9110, Section 9.3.2: HEAD is answered like GET, without the content. Echo
// serves HEAD for a GET route only with AutoHandleHEAD. It answers OPTIONS
// outside the guard of a route, but not outside that of a group.
func TestHEADAndOPTIONS(t *testing.T) {
	newEcho := func(config echo.RouterConfig) *echo.Echo {
		e := echo.NewWithConfig(echo.Config{Router: echo.NewRouter(config)})
		protect := bearerecho5.Require(adaptertest.NewGuard(t, new(bytes.Buffer)), scope.All("orders:read"))
		ok := func(c *echo.Context) error {
			p, _ := bearer.FromContext(c.Request().Context())
			return c.String(http.StatusOK, p.Subject)
		}
		e.GET("/orders", ok, protect)
		e.Group("/api", protect).GET("/orders", ok)
		return e
	}
	plain, head := newEcho(echo.RouterConfig{}), newEcho(echo.RouterConfig{AutoHandleHEAD: true})
	for _, tt := range []struct {
		e                     *echo.Echo
		method, target, token string
		want                  int
	}{
		{plain, http.MethodHead, "/orders", "reader", http.StatusMethodNotAllowed},
		{plain, http.MethodHead, "/api/orders", "reader", http.StatusNotFound},
		{plain, http.MethodHead, "/api/orders", "", http.StatusUnauthorized},
		{head, http.MethodHead, "/orders", "reader", http.StatusOK},
		{head, http.MethodHead, "/orders", "alice", http.StatusForbidden},
		{head, http.MethodHead, "/orders", "", http.StatusUnauthorized},
		{head, http.MethodHead, "/api/orders", "", http.StatusUnauthorized},
		{plain, http.MethodOptions, "/orders", "", http.StatusNoContent},
		{plain, http.MethodOptions, "/api/orders", "", http.StatusUnauthorized},
		{plain, http.MethodOptions, "/api/orders", "reader", http.StatusNotFound},
	} {
		w := serve(tt.e, tt.method, tt.target, tt.token)
		if w.Code != tt.want {
			t.Errorf("%s %s, token %q: %d, want %d", tt.method, tt.target, tt.token, w.Code, tt.want)
		}
		if tt.e != head {
			continue
		}
		if w.Body.Len() != 0 {
			t.Errorf("%s %s, token %q: the body is %q", tt.method, tt.target, tt.token, w.Body)
		}
		want := serve(tt.e, http.MethodGet, tt.target, tt.token)
		if length := want.Header().Get("Content-Length"); length != "" && w.Header().Get("Content-Length") != length {
			t.Errorf("%s %s, token %q: the length is %q; GET has %q", tt.method, tt.target, tt.token, w.Header().Get("Content-Length"), length)
		}
		for _, name := range []string{"Www-Authenticate", "Cache-Control", "Content-Type"} {
			if strings.Join(w.Header()[name], "\n") != strings.Join(want.Header()[name], "\n") {
				t.Errorf("%s %s, token %q: %s is %q; GET has %q", tt.method, tt.target, tt.token, name, w.Header()[name], want.Header()[name])
			}
		}
	}
}

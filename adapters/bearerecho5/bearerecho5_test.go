package bearerecho5_test

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/labstack/echo/v5"

	"github.com/bearerkit/bearerkit/adapters/bearerecho5"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/internal/adaptertest"
	"github.com/bearerkit/bearerkit/scope"
)

func mount(protect func(bearertest.Mount) echo.MiddlewareFunc) func([]bearertest.Mount) http.Handler {
	return func(mounts []bearertest.Mount) http.Handler {
		e := echo.New()
		for _, m := range mounts {
			path := strings.NewReplacer("{", ":", "}", "").Replace(m.Path)
			handler := echo.WrapHandler(m.Handler)
			e.Add(m.Method, path, func(c *echo.Context) error {
				m.ReadID(c.Param("id"))
				return handler(c)
			}, protect(m))
		}
		return e
	}
}

func TestAdapter(t *testing.T) {
	err := bearertest.CheckAdapter(mount(func(m bearertest.Mount) echo.MiddlewareFunc {
		if m.Optional {
			return bearerecho5.Optional(m.Guard, m.Rule, m.Requirements...)
		}
		return bearerecho5.Require(m.Guard, m.Rule, m.Requirements...)
	}))
	if err != nil {
		t.Error(err)
	}
}

// Without c.SetRequest the handler does not see the principal.
func TestSuiteSeesAMissingHandOver(t *testing.T) {
	err := bearertest.CheckAdapter(mount(func(m bearertest.Mount) echo.MiddlewareFunc {
		route := m.Route()
		return func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c *echo.Context) error {
				c.Request().SetPathValue("id", c.Param("id"))
				if _, ok := route.Admit(c.Response(), c.Request()); !ok {
					return nil
				}
				return next(c)
			}
		}
	}))
	if err == nil || !strings.Contains(err.Error(), "principal in the context") {
		t.Errorf("the suite does not see a missing hand-over: %v", err)
	}
}

// Reports G6: the policy reads the unescaped value, but c.Param stays encoded.
func TestSuiteSeesTwoValues(t *testing.T) {
	err := bearertest.CheckAdapter(mount(func(m bearertest.Mount) echo.MiddlewareFunc {
		route := m.Route()
		return func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c *echo.Context) error {
				id, err := url.PathUnescape(c.Param("id"))
				if c.Request().URL.RawPath == "" || err != nil {
					id = c.Param("id")
				}
				r, ok := route.AdmitPath(c.Response(), c.Request(), []string{"id"}, []string{id})
				if !ok {
					return nil
				}
				c.SetRequest(r)
				return next(c)
			}
		}
	}))
	if err == nil || !strings.Contains(err.Error(), `the policy reads "alice", and the handler "%61lice"`) {
		t.Errorf("the suite does not see two values: %v", err)
	}
}

// The guard answers a refusal itself: middleware outside sees the status, and
// Echo's error handler is not called.
func TestRefusalsAreComplete(t *testing.T) {
	e := echo.New()
	e.HTTPErrorHandler = func(_ *echo.Context, err error) { t.Errorf("the error handler is called: %v", err) }
	var status int
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			err := next(c)
			response, unwrapErr := echo.UnwrapResponse(c.Response())
			if unwrapErr != nil || !response.Committed {
				t.Errorf("%v, not committed", unwrapErr)
			}
			status = response.Status
			return err
		}
	})
	e.GET("/orders", func(c *echo.Context) error { return c.NoContent(http.StatusOK) },
		bearerecho5.Require(adaptertest.NewGuard(t, new(bytes.Buffer)), scope.All("orders:read")))
	for token, want := range map[string]int{"": 401, "forged": 401, "alice": 403, "reader": 200} {
		if w := serve(e, http.MethodGet, "/orders", token); w.Code != want || status != want {
			t.Errorf("token %q: %d, middleware sees %d; want %d", token, w.Code, status, want)
		}
	}
}

func TestProtectPanicsWithoutARoute(t *testing.T) {
	defer func() {
		if got := recover(); got != "bearerecho5: Protect: the route is nil; check the error of Guard.Route" {
			t.Errorf("panic: %v", got)
		}
	}()
	bearerecho5.Protect(nil)
}

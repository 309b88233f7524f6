package bearerecho5_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v5"

	"github.com/bearerkit/bearerkit/adapters/bearerecho5"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// Reports L13, checklist C21: a guarded route in a guarded group.
func TestNesting(t *testing.T) {
	protect := func(m bearertest.Mount) echo.MiddlewareFunc {
		if m.Optional {
			return bearerecho5.Optional(m.Guard, m.Rule, m.Requirements...)
		}
		return bearerecho5.Require(m.Guard, m.Rule, m.Requirements...)
	}
	err := bearertest.CheckNesting(func(n bearertest.Nest) http.Handler {
		e := echo.New()
		group := e.Group(n.Group.Path, protect(n.Group))
		path := strings.NewReplacer("{", ":", "}", "").Replace(n.Route.Path)
		group.Add(n.Route.Method, path, echo.WrapHandler(n.Route.Handler), protect(n.Route))
		return e
	})
	if err != nil {
		t.Error(err)
	}
}

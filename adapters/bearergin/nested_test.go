package bearergin_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/bearerkit/bearerkit/adapters/bearergin"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// Reports L13, checklist C21: a guarded route in a guarded group.
func TestNesting(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	protect := func(m bearertest.Mount) gin.HandlerFunc {
		if m.Optional {
			return bearergin.Optional(m.Guard, m.Rule, m.Requirements...)
		}
		return bearergin.Require(m.Guard, m.Rule, m.Requirements...)
	}
	err := bearertest.CheckNesting(func(n bearertest.Nest) http.Handler {
		engine := gin.New()
		group := engine.Group(n.Group.Path, protect(n.Group))
		path := strings.NewReplacer("{", ":", "}", "").Replace(n.Route.Path)
		group.Handle(n.Route.Method, path, protect(n.Route), gin.WrapF(n.Route.Handler))
		return engine
	})
	if err != nil {
		t.Error(err)
	}
}

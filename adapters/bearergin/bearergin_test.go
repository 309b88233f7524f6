package bearergin_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/bearerkit/bearerkit/adapters/bearergin"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

func mount(protect func(bearertest.Mount) gin.HandlerFunc) func([]bearertest.Mount) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	return func(mounts []bearertest.Mount) http.Handler {
		engine := gin.New()
		for _, m := range mounts {
			path := strings.NewReplacer("{", ":", "}", "").Replace(m.Path)
			engine.Handle(m.Method, path, protect(m), func(c *gin.Context) { m.ReadID(c.Param("id")) }, gin.WrapF(m.Handler))
		}
		return engine
	}
}

func TestAdapter(t *testing.T) {
	err := bearertest.CheckAdapter(mount(func(m bearertest.Mount) gin.HandlerFunc {
		if m.Optional {
			return bearergin.Optional(m.Guard, m.Rule, m.Requirements...)
		}
		return bearergin.Require(m.Guard, m.Rule, m.Requirements...)
	}))
	if err != nil {
		t.Error(err)
	}
}

// Without c.Abort Gin runs the handler after a refusal.
func TestSuiteSeesAMissingAbort(t *testing.T) {
	err := bearertest.CheckAdapter(mount(func(m bearertest.Mount) gin.HandlerFunc {
		route := m.Route()
		return func(c *gin.Context) {
			for _, param := range c.Params {
				c.Request.SetPathValue(param.Key, param.Value)
			}
			if r, ok := route.Admit(c.Writer, c.Request); ok {
				c.Request = r
			}
		}
	}))
	if err == nil || !strings.Contains(err.Error(), "the handler ran 1 times") {
		t.Errorf("the suite does not see a missing Abort: %v", err)
	}
}

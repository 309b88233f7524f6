package bearergin_test

import (
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/bearerkit/bearerkit/adapters/bearergin"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/adaptertest"
	"github.com/bearerkit/bearerkit/scope"
)

func TestPattern(t *testing.T) {
	adaptertest.CheckPattern(t, func(guard *bearer.Guard) http.Handler {
		gin.SetMode(gin.ReleaseMode)
		engine := gin.New()
		engine.GET("/orders/:id", bearergin.Require(guard, scope.None), func(*gin.Context) {})
		return engine
	})
}

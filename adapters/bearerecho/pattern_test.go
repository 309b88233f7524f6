package bearerecho_test

import (
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/bearerkit/bearerkit/adapters/bearerecho"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/adaptertest"
	"github.com/bearerkit/bearerkit/scope"
)

func TestPattern(t *testing.T) {
	adaptertest.CheckPattern(t, func(guard *bearer.Guard) http.Handler {
		engine := echo.New()
		engine.GET("/orders/:id", func(echo.Context) error { return nil }, bearerecho.Require(guard, scope.None))
		return engine
	})
}

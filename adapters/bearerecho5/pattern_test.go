package bearerecho5_test

import (
	"net/http"
	"testing"

	"github.com/labstack/echo/v5"

	"github.com/bearerkit/bearerkit/adapters/bearerecho5"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/adaptertest"
	"github.com/bearerkit/bearerkit/scope"
)

func TestPattern(t *testing.T) {
	adaptertest.CheckPattern(t, func(guard *bearer.Guard) http.Handler {
		engine := echo.New()
		engine.GET("/orders/:id", func(*echo.Context) error { return nil }, bearerecho5.Require(guard, scope.None))
		return engine
	})
}

package bearergin_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/bearerkit/bearerkit/adapters/bearergin"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/internal/adaptertest"
	"github.com/bearerkit/bearerkit/scope"
)

// The hooks of the guard read the path of the route, for metrics.
func TestPattern(t *testing.T) {
	var patterns []string
	guard, err := bearer.New(bearer.Config{
		Verifiers:  []bearer.Verifier{bearertest.Principals{"alice": {Subject: "alice"}}},
		OnDecision: func(r *http.Request, _ bearer.Decision, _ time.Duration) { patterns = append(patterns, r.Pattern) },
	})
	if err != nil {
		t.Fatal(err)
	}
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.GET("/orders/:id", bearergin.Require(guard, scope.None), func(*gin.Context) {})
	adaptertest.Call(engine, "GET /orders/7 alice")
	adaptertest.Call(engine, "GET /orders/7")
	if want := []string{"/orders/:id", "/orders/:id"}; !slices.Equal(patterns, want) {
		t.Errorf("%q, want %q", patterns, want)
	}
}

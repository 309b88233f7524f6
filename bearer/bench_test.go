package bearer_test

import (
	"net/http"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// BenchmarkAdmit measures the guard without a logger, around a verifier that
// does no work.
func BenchmarkAdmit(b *testing.B) {
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{bearer.VerifierFunc(byName)}})
	if err != nil {
		b.Fatal(err)
	}
	route := guard.MustRoute(bearer.RouteConfig{Rule: scope.All("orders:read")})
	strict := guard.MustRoute(bearer.RouteConfig{Rule: scope.All("admin")})
	for _, bench := range []struct {
		name   string
		route  *bearer.Route
		lines  []string
		status int
	}{
		{"accepted", route, []string{"Bearer good"}, 0},
		{"none", route, nil, 401},
		{"garbage", route, []string{"Bearer \"garbage\""}, 400},
		{"invalid", route, []string{"Bearer forged"}, 401},
		{"insufficient scope", strict, []string{"Bearer good"}, 403},
		{"unavailable", route, []string{"Bearer down"}, 503},
	} {
		b.Run(bench.name, func(b *testing.B) {
			r, w := get(bench.lines...), &discardWriter{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				bench.route.Admit(w, r)
			}
			if w.status != bench.status {
				b.Errorf("status %d", w.status)
			}
		})
	}
}

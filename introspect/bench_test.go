package introspect_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/scope"
)

// BenchmarkAdmit measures a request with an opaque token: with a cached answer,
// and with a request to the endpoint over loopback.
func BenchmarkAdmit(b *testing.B) {
	issuer := newIssuer(b, bearertest.Client{ID: "api", Secret: "secret"})
	v := newVerifier(b, issuer, nil)
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{v}})
	if err != nil {
		b.Fatal(err)
	}
	route := guard.MustRoute(bearer.RouteConfig{Rule: scope.All("orders:read")})
	token := issuer.MintOpaque(bearertest.Token{
		Scope: "openid profile email orders:read orders:write reports:read users:read transfers:write",
	})
	r := httptest.NewRequest(http.MethodGet, "/orders", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	b.Run("hit", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := route.Admit(w, r); !ok {
				b.Fatal("refused")
			}
		}
	})
	b.Run("hit/parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, ok := route.Admit(nil, r); !ok {
					b.Error("refused")
				}
			}
		})
	})
	b.Run("miss", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := v.Forget(b.Context(), token); err != nil {
				b.Fatal(err)
			}
			if _, ok := route.Admit(w, r); !ok {
				b.Fatal("refused")
			}
		}
	})
}

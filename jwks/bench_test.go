package jwks_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// benchToken returns a token of typical size: 13 claims and 8 scopes.
func benchToken(algorithm string) bearertest.Token {
	return bearertest.Token{
		Algorithm: algorithm,
		Subject:   "auth0|64f1c2d3e4a5b6c7d8e9f0a1",
		ClientID:  "3f0c7a52-5b1e-4f0e-9a77-2d1f9c1e4b60",
		Scope:     "openid profile email orders:read orders:write reports:read users:read transfers:write",
		Claims: map[string]any{
			"auth_time": time.Now().Unix(), "acr": "urn:example:mfa", "amr": []string{"pwd", "otp"},
			"sid": "b1d0c7a5-25b1-4e0e-9a77-2d1f9c1e4b60", "roles": []string{"buyer", "approver"},
		},
	}
}

// BenchmarkAdmit measures a whole request: credentials, verification, scope.
func BenchmarkAdmit(b *testing.B) {
	issuer := newIssuer(b, bearertest.IssuerConfig{})
	h := guarded(b, trusting(b, issuer, nil))
	good := issuer.Mint(benchToken("RS256"))
	expired := benchToken("RS256")
	expired.TTL = -time.Hour
	tests := []struct {
		name, authorization string
		status              int
	}{
		{"accept/RS256", "Bearer " + good, 200},
		{"accept/PS256", "Bearer " + issuer.Mint(benchToken("PS256")), 200},
		{"accept/ES256", "Bearer " + issuer.Mint(benchToken("ES256")), 200},
		{"accept/EdDSA", "Bearer " + issuer.Mint(benchToken("EdDSA")), 200},
		{"refuse/expired", "Bearer " + issuer.Mint(expired), 401},
		{"refuse/forged", "Bearer " + good[:len(good)-8] + "AAAAAAAA", 401},
		{"refuse/garbage", "Bearer " + strings.Repeat("garbage", 100), 401},
		{"refuse/none", "", 401},
	}
	for _, tt := range tests {
		r := httptest.NewRequest(http.MethodGet, "/orders", nil)
		if tt.authorization != "" {
			r.Header.Set("Authorization", tt.authorization)
		}
		first := httptest.NewRecorder()
		h.ServeHTTP(first, r)
		if first.Code != tt.status {
			b.Fatalf("%s: status %d", tt.name, first.Code)
		}
		b.Run(tt.name, func(b *testing.B) {
			w := &discard{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(w, r)
			}
		})
	}
}

// discard is a writer that a benchmark reuses.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }

package bearermcp_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/adapters/bearermcp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/resource"
	"github.com/bearerkit/bearerkit/scope"
)

// The cost of an endpoint without the verification of the token.
func BenchmarkProtect(b *testing.B) {
	for name, tools := range map[string]map[string]scope.Rule{
		"endpoint": nil,
		"tools":    {"write": scope.All("files:write")},
	} {
		b.Run(name, func(b *testing.B) {
			metadata, err := resource.New(resource.Config{Resource: "https://mcp.example.com/mcp", AuthorizationServers: []string{issuer}})
			if err != nil {
				b.Fatal(err)
			}
			alice := bearer.Principal{Issuer: issuer, Subject: "alice", ClientID: "app", Scopes: scope.Of("files:write", "mcp:use")}.WithAudience(metadata.Resource())
			guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{bearertest.Principals{"alice": alice}}, ResourceMetadata: metadata.URL()})
			if err != nil {
				b.Fatal(err)
			}
			endpoint, err := bearermcp.New(bearermcp.Config{Guard: guard, Metadata: metadata, Rule: scope.All("mcp:use"), Tools: tools})
			if err != nil {
				b.Fatal(err)
			}
			calls := 0
			h := endpoint.Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls++ }))
			r := httptest.NewRequest(http.MethodPost, "/mcp", nil)
			r.Header.Set("Authorization", "Bearer alice")
			w := httptest.NewRecorder()
			b.ReportAllocs()
			for b.Loop() {
				r.Body = io.NopCloser(strings.NewReader(toolCall("write")))
				h.ServeHTTP(w, r)
			}
			if calls == 0 {
				b.Fatal("no call")
			}
		})
	}
}

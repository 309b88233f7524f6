package bearermcp_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/bearerkit/bearerkit/adapters/bearermcp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/resource"
	"github.com/bearerkit/bearerkit/scope"
)

// An MCP server with a tool that needs an additional scope.
func ExampleNew() {
	use, write := scope.All("mcp:use"), scope.All("files:write")
	metadata, err := resource.New(resource.Config{
		Resource:             "https://mcp.example.com/mcp",
		AuthorizationServers: []string{"https://login.example.com"},
		Rules:                []scope.Rule{use, write},
		ServeAtRoot:          true,
	})
	if err != nil {
		log.Fatal(err)
	}
	alice := bearer.Principal{Subject: "alice", Scopes: scope.Of("mcp:use")}.WithAudience(metadata.Resource())
	guard, err := bearer.New(bearer.Config{
		Verifiers:        []bearer.Verifier{bearertest.Principals{"alice": alice}}, // stands for a jwks.Verifier
		ResourceMetadata: metadata.URL(),
	})
	if err != nil {
		log.Fatal(err)
	}
	endpoint, err := bearermcp.New(bearermcp.Config{
		Guard:    guard,
		Metadata: metadata,
		Rule:     use,
		Tools:    map[string]scope.Rule{"save": write},
	})
	if err != nil {
		log.Fatal(err)
	}

	server := mcp.NewServer(&mcp.Implementation{Name: "files", Version: "v1.0.0"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "save"}, func(_ context.Context, r *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
		p, _ := bearermcp.FromRequest(r)
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "Saved for " + p.Subject}}}, nil, nil
	})
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
	mux := http.NewServeMux()
	mux.Handle("/mcp", endpoint.Protect(handler))
	mux.Handle(resource.WellKnownPath, metadata)
	mux.Handle(resource.WellKnownPath+"/", metadata)

	r := httptest.NewRequest("POST", "/mcp", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"save"}}`))
	r.Header.Set("Authorization", "Bearer alice")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code)
	fmt.Println(strings.ReplaceAll(w.Header().Get("WWW-Authenticate"), ", ", ",\n  "))
	// Output:
	// 403
	// Bearer realm="api",
	//   error="insufficient_scope",
	//   error_description="The access token lacks a scope that the request needs.",
	//   scope="files:write mcp:use",
	//   resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"
}

// Use TokenVerifier in a program that already uses the SDK's own middleware.
func ExampleTokenVerifier() {
	verifier := bearertest.Principals{"alice": {Subject: "alice"}} // stands for a jwks.Verifier
	protect := auth.RequireBearerToken(bearermcp.TokenVerifier(verifier), &auth.RequireBearerTokenOptions{
		ResourceMetadataURL: "https://mcp.example.com/.well-known/oauth-protected-resource/mcp",
	})
	w := httptest.NewRecorder()
	protect(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("POST", "/mcp", nil))
	fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
	// Output:
	// 401 Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"
}

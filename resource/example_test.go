package resource_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/resource"
	"github.com/bearerkit/bearerkit/scope"
)

var exampleVerifier = refusing // stands for a jwks.Verifier

// Challenges name the document, and the program serves it.
func ExampleNew() {
	read := scope.All("orders:read")
	metadata, err := resource.New(resource.Config{
		Resource:             "https://api.example.com",
		AuthorizationServers: []string{"https://login.example.com"},
		Rules:                []scope.Rule{read},
	})
	if err != nil {
		log.Fatal(err)
	}
	guard, err := bearer.New(bearer.Config{
		Verifiers:        []bearer.Verifier{exampleVerifier},
		ResourceMetadata: metadata.URL(),
	})
	if err != nil {
		log.Fatal(err)
	}
	orders := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	mux := http.NewServeMux()
	mux.Handle("GET /orders", bearerhttp.Require(guard, read)(orders))
	mux.Handle(metadata.Path(), metadata) // open to all, with any method

	fmt.Println(get(mux, "/orders").Header().Get("WWW-Authenticate"))
	fmt.Print(get(mux, "/.well-known/oauth-protected-resource").Body)
	// Output:
	// Bearer realm="api", scope="orders:read", resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"
	// {"resource":"https://api.example.com","authorization_servers":["https://login.example.com"],"scopes_supported":["orders:read"],"bearer_methods_supported":["header"]}
}

// New reports all mistakes in a configuration at once.
func ExampleNew_mistakes() {
	_, err := resource.New(resource.Config{
		Resource:       "http://api.example.com",
		BearerMethods:  []string{"cookie"},
		DPoPAlgorithms: []string{"HS256"},
	})
	fmt.Println(err)
	// Output:
	// resource: Config.Resource: the URL "http://api.example.com" has the scheme "http", want https (http is for loopback hosts, or with InsecureAllowHTTP)
	// resource: Config.BearerMethods[0] is "cookie"; want header, body or query
	// resource: Config.DPoPAlgorithms[0] is "HS256"; want the name of an asymmetric JWS algorithm (RFC 9449, Section 4.2)
}

// Two resources in one program. MCP clients that find no document at the path of the
// server look at the root.
func ExampleHandler() {
	newResource := func(c resource.Config) *resource.Metadata {
		c.AuthorizationServers = []string{"https://login.example.com"}
		m, err := resource.New(c)
		if err != nil {
			log.Fatal(err)
		}
		return m
	}
	handler, err := resource.Handler(
		newResource(resource.Config{Resource: "https://api.example.com/mcp", ServeAtRoot: true}),
		newResource(resource.Config{Resource: "https://api.example.com/orders"}),
	)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(resource.WellKnownPath, handler)
	mux.Handle(resource.WellKnownPath+"/", handler)

	for _, path := range []string{"", "/mcp", "/orders", "/users"} {
		fmt.Println(get(mux, resource.WellKnownPath+path).Code)
	}
	// Output:
	// 200
	// 200
	// 200
	// 404
}

// A program checks that clients can find its document.
func ExampleMetadata_Check() {
	metadata, err := resource.New(resource.Config{Resource: "https://api.example.com"})
	if err != nil {
		log.Fatal(err)
	}
	client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		w := get(http.RedirectHandler("https://www.example.com/login?then=metadata", http.StatusFound), "/")
		resp := w.Result()
		resp.Request = r
		return resp, nil
	})}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	fmt.Println(metadata.Check(ctx, client))
	// Output:
	// resource: check https://api.example.com/.well-known/oauth-protected-resource: the status is 302, a redirect to "https://www.example.com/login"; want 200: if clients use the host "www.example.com", set Config.Resource to a URL with that host; otherwise stop the proxy from redirecting
}

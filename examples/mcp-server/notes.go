package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/bearerkit/bearerkit/adapters/bearermcp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/resource"
	"github.com/bearerkit/bearerkit/scope"
)

// newHandler returns a handler for the guarded MCP server and its metadata (RFC
// 9728).
func newHandler(identifier, issuer string, insecureHTTP bool, logger *slog.Logger) (http.Handler, error) {
	read, write := scope.All("notes:read"), scope.All("notes:write")
	metadata, err := resource.New(resource.Config{
		Resource:             identifier,
		AuthorizationServers: []string{issuer},
		Rules:                []scope.Rule{read, write},
		Name:                 "Notes",
		ServeAtRoot:          true,
		InsecureAllowHTTP:    insecureHTTP,
	})
	if err != nil { // includes a wrong issuer URL
		return nil, err
	}
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{
		URL: issuer, Audience: []string{metadata.Resource()}, InsecureAllowHTTP: insecureHTTP,
	}}})
	if err != nil {
		return nil, err
	}
	guard, err := bearer.New(bearer.Config{
		Verifiers:         []bearer.Verifier{tokens},
		Realm:             "notes",
		ResourceMetadata:  metadata.URL(),
		InsecureAllowHTTP: insecureHTTP,
		Logger:            logger, // says why a request was refused
	})
	if err != nil {
		return nil, err
	}
	endpoint, err := bearermcp.New(bearermcp.Config{
		Guard:    guard,
		Metadata: metadata,
		Rule:     read,
		Tools:    map[string]scope.Rule{"add_note": write},
	})
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(metadata.Resource())
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle(cmp.Or(u.EscapedPath(), "/"), endpoint.Protect(newServer()))
	mux.Handle(resource.WellKnownPath, metadata)
	mux.Handle(resource.WellKnownPath+"/", metadata)
	return mux, nil
}

// notes holds the notes of each user, by issuer and subject, because a subject is
// unique only within its issuer.
type notes struct {
	mu    sync.Mutex
	texts map[[2]string][]string
}

type addInput struct {
	Text string `json:"text" jsonschema:"the note"`
}

func newServer() http.Handler {
	n := &notes{texts: make(map[[2]string][]string)}
	server := mcp.NewServer(&mcp.Implementation{Name: "notes", Version: "v1.0.0"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "list_notes", Description: "Lists your notes."}, n.list)
	mcp.AddTool(server, &mcp.Tool{Name: "add_note", Description: "Adds a note."}, n.add)
	return mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server },
		&mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true})
}

func (n *notes) list(_ context.Context, r *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
	p, ok := bearermcp.FromRequest(r)
	if !ok {
		return nil, nil, errNobody
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return text("The notes of " + p.Subject + ": " + strings.Join(n.texts[[2]string{p.Issuer, p.Subject}], ", ")), nil, nil
}

func (n *notes) add(_ context.Context, r *mcp.CallToolRequest, in addInput) (*mcp.CallToolResult, any, error) {
	p, ok := bearermcp.FromRequest(r)
	if !ok {
		return nil, nil, errNobody
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	key := [2]string{p.Issuer, p.Subject}
	n.texts[key] = append(n.texts[key], in.Text)
	return text("Noted for " + p.Subject + "."), nil, nil
}

// errNobody cannot occur behind the guard.
var errNobody = errors.New("nobody is calling")

func text(s string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: s}}}
}

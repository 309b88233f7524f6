package bearermcp_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/bearerkit/bearerkit/adapters/bearermcp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/internal/handover"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/resource"
	"github.com/bearerkit/bearerkit/scope"
)

// server is an MCP server behind an Endpoint on loopback, with an issuer. The
// audience of its tokens is its resource identifier.
type server struct {
	issuer        *bearertest.Issuer
	url, metadata string // of the endpoint, and of the document
	origin        string

	mu    sync.Mutex
	calls []call
}

// call records what a tool received.
type call struct {
	tool            string
	request         bearer.Principal // by FromRequest
	context         bearer.Principal // by the context
	authorization   []string
	userID          string
	infoScopes      []string
	infoExpiration  time.Time
	knownByRequest  bool
	proofWasCarried bool
	token           string // for package client, by the context
	ownToken        string // by WithCaller
	own             bearer.Principal
}

// settings change a server for a test. Zero values change nothing.
type settings struct {
	stateless  bool
	issuerDown bool
	leeway     time.Duration
	guard      func(origin string, c *bearer.Config)
	endpoint   func(c *bearermcp.Config)
	outside    func(http.Handler) http.Handler
	tools      func(*mcp.Server)
}

func newServer(t testing.TB, s settings) *server {
	t.Helper()
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	if s.issuerDown {
		issuer.Stop()
	}
	mux := http.NewServeMux()
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	srv := &server{issuer: issuer, origin: web.URL, url: web.URL + "/mcp"}

	metadata, err := resource.New(resource.Config{
		Resource:             srv.url,
		AuthorizationServers: []string{issuer.URL()},
		ServeAtRoot:          true,
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.metadata = metadata.URL()
	tokens, err := jwks.New(jwks.Config{
		Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{srv.url, srv.origin + "/other"}}},
		Leeway:  s.leeway,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tokens.Close)
	guardConfig := bearer.Config{
		Verifiers:        []bearer.Verifier{tokens},
		Realm:            "mcp",
		ResourceMetadata: metadata.URL(),
		Hierarchy:        hierarchy(t),
		RequestID:        func(*http.Request) string { return "id" },
	}
	if s.guard != nil {
		s.guard(srv.origin, &guardConfig)
	}
	guard, err := bearer.New(guardConfig)
	if err != nil {
		t.Fatal(err)
	}
	endpointConfig := bearermcp.Config{
		Guard:    guard,
		Metadata: metadata,
		Rule:     scope.All("mcp:use"),
		Tools:    map[string]scope.Rule{"write": scope.All("files:write"), "wipe": scope.All("files:write", "files:wipe")},
	}
	if s.endpoint != nil {
		s.endpoint(&endpointConfig)
	}
	endpoint, err := bearermcp.New(endpointConfig)
	if err != nil {
		t.Fatal(err)
	}
	tools := mcp.NewServer(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	for _, name := range []string{"read", "write", "wipe"} {
		mcp.AddTool(tools, &mcp.Tool{Name: name}, srv.tool)
	}
	if s.tools != nil {
		s.tools(tools)
	}
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return tools }, &mcp.StreamableHTTPOptions{
		Stateless: s.stateless, JSONResponse: true,
	})
	protected := endpoint.Protect(handler)
	if s.outside != nil {
		protected = s.outside(protected)
	}
	mux.Handle("/mcp", protected)
	mux.Handle(resource.WellKnownPath, metadata)
	mux.Handle(resource.WellKnownPath+"/", metadata)
	return srv
}

func hierarchy(t testing.TB) scope.Hierarchy {
	t.Helper()
	h, err := scope.NewHierarchy(map[string][]string{"files:admin": {"files:write", "files:wipe", "mcp:use"}})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (s *server) tool(ctx context.Context, r *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
	c := call{tool: r.Params.Name, authorization: r.Extra.Header["Authorization"]}
	c.request, c.knownByRequest = bearermcp.FromRequest(r)
	c.context, _ = bearer.FromContext(ctx)
	c.token, _ = handover.Token(ctx)
	caller := bearermcp.WithCaller(ctx, r)
	c.ownToken, _ = handover.Token(caller)
	c.own, _ = bearer.FromContext(caller)
	_, c.proofWasCarried = r.Extra.Header["Dpop"]
	if info := r.Extra.TokenInfo; info != nil {
		c.userID, c.infoScopes, c.infoExpiration = info.UserID, info.Scopes, info.Expiration
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, c)
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "done"}}}, nil, nil
}

// seen returns the calls since the last call of seen.
func (s *server) seen() []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.calls
	s.calls = nil
	return seen
}

// mint returns a token of alice for the endpoint.
func (s *server) mint(scopes string) string { return s.mintAs("alice", scopes) }

func (s *server) mintAs(subject, scopes string) string {
	return s.issuer.Mint(bearertest.Token{Subject: subject, Scope: scopes, Audience: []string{s.url}})
}

const initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`

func toolCall(name string) string {
	return `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"` + name + `","arguments":{}}}`
}

type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request. The header alternates names and values; do adds the fields of
// MCP that it lacks.
func do(t testing.TB, method, url, body string, header ...string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // a stream that must not open would never end
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "Mcp-Protocol-Version": "2025-06-18",
	} {
		if r.Header.Get(name) == "" {
			r.Header.Set(name, value)
		}
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(got)}
}

// post sends a POST request with a token, or without one if token is empty.
func (s *server) post(t testing.TB, token, body string, header ...string) answer {
	t.Helper()
	if token != "" {
		header = append(header, "Authorization", "Bearer "+token)
	}
	return do(t, http.MethodPost, s.url, body, header...)
}

// open opens a session and returns its id.
func (s *server) open(t testing.TB, token string) string {
	t.Helper()
	got := s.post(t, token, initialize)
	id := got.header.Get("Mcp-Session-Id")
	if got.status != 200 || id == "" {
		t.Fatalf("initialize: %d %s, session %q", got.status, got.body, id)
	}
	return id
}

// with replaces {metadata} by the URL of the document.
func (s *server) with(text string) string { return strings.ReplaceAll(text, "{metadata}", s.metadata) }

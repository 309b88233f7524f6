package interop_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"github.com/bearerkit/bearerkit/adapters/bearermcp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/resource"
	"github.com/bearerkit/bearerkit/scope"
)

// mcpServer is an MCP server of the official SDK on loopback, behind a
// bearermcp.Endpoint. Every request needs orders:read, and the tool place also
// needs orders:write.
type mcpServer struct {
	api *api
	url string
}

func newMCPServer(t *testing.T, issuer string, stateless bool) *mcpServer {
	t.Helper()
	mux := http.NewServeMux()
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	s := &mcpServer{api: &api{events: make(map[string]bearer.Event)}, url: web.URL + "/mcp"}
	read, write := scope.All("orders:read"), scope.All("orders:write")
	metadata, err := resource.New(resource.Config{
		Resource: s.url, AuthorizationServers: []string{issuer}, Rules: []scope.Rule{read, write}, ServeAtRoot: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer, Audience: []string{metadata.Resource()}}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tokens.Close)
	endpoint, err := bearermcp.New(bearermcp.Config{
		Guard:    s.api.guard(t, bearer.Config{Verifiers: []bearer.Verifier{tokens}, ResourceMetadata: metadata.URL()}),
		Metadata: metadata,
		Rule:     read,
		Tools:    map[string]scope.Rule{"place": write},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := mcp.NewServer(&mcp.Implementation{Name: "orders", Version: "1"}, nil)
	for _, name := range []string{"list", "place"} {
		mcp.AddTool(server, &mcp.Tool{Name: name}, func(_ context.Context, r *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
			p, _ := bearermcp.FromRequest(r)
			text := name + " " + p.Subject + " " + p.ClientID + " " + p.Scopes.String()
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}, nil, nil
		})
	}
	mux.Handle("/mcp", endpoint.Protect(mcp.NewStreamableHTTPHandler(
		func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{Stateless: stateless})))
	mux.Handle(resource.WellKnownPath, metadata)
	mux.Handle(resource.WellKnownPath+"/", metadata)
	return s
}

// call calls a tool and returns its text.
func (s *mcpServer) call(t *testing.T, session *mcp.ClientSession, tool string) string {
	t.Helper()
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool})
	if err != nil || result.IsError || len(result.Content) != 1 {
		t.Fatalf("%s: %+v, %v\n%s", tool, result, err, s.api.logged())
	}
	text, ok := result.Content[0].(*mcp.TextContent)
	if !ok {
		t.Fatalf("%s: %T", tool, result.Content[0])
	}
	return text.Text
}

func connectMCP(t *testing.T, s *mcpServer, handler auth.OAuthHandler) *mcp.ClientSession {
	t.Helper()
	transport := &mcp.StreamableClientTransport{Endpoint: s.url, OAuthHandler: handler}
	session, err := mcp.NewClient(&mcp.Implementation{Name: "interop", Version: "1"}, nil).Connect(t.Context(), transport, nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, s.api.logged())
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

// pathRecorder is a transport that records the requested paths.
type pathRecorder struct {
	mu    sync.Mutex
	paths []string
}

func (r *pathRecorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	r.paths = append(r.paths, req.Method+" "+req.URL.Path)
	r.mu.Unlock()
	return http.DefaultTransport.RoundTrip(req)
}

// The official SDK's client knows only the URL of the MCP server. It finds the
// metadata in the 401 and the authorization server in the metadata, and gets a
// token for this resource and scope. A call that needs more scopes makes it step up
// once, with the challenge that names them all (MCP1, MCP2, MCP5, MCP6, P5, P6).
func TestMCPClientFindsItsWay(t *testing.T) {
	o := sharedNodeOP(t)
	registered := &auth.AuthorizationCodeHandlerConfig{
		PreregisteredClient: &oauthex.ClientCredentials{ClientID: "native-ES256"},
	}
	registering := &auth.AuthorizationCodeHandlerConfig{
		DynamicClientRegistrationConfig: &auth.DynamicClientRegistrationConfig{Metadata: &oauthex.ClientRegistrationMetadata{
			RedirectURIs: []string{"http://127.0.0.1/callback"}, TokenEndpointAuthMethod: "none",
		}},
	}
	for _, tt := range []struct {
		name      string
		stateless bool
		config    auth.AuthorizationCodeHandlerConfig
	}{
		{"with sessions", false, *registered},
		{"2026-07-28, stateless", true, *registered},
		{"a client that registers (RFC 7591) for each step", false, *registering},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newMCPServer(t, o.issuer, tt.stateless)
			var asked []url.Values
			seen := new(pathRecorder)
			tt.config.RedirectURL = "http://127.0.0.1/callback"
			tt.config.Client = &http.Client{Transport: seen}
			tt.config.AuthorizationCodeFetcher = func(_ context.Context, args *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
				u, err := url.Parse(args.URL)
				if err != nil {
					return nil, err
				}
				params := u.Query()
				asked = append(asked, u.Query())
				u.RawQuery = ""
				user := oauthClient{id: params.Get("client_id"), redirectURI: params.Get("redirect_uri")}
				got := user.authorize(t, u.String(), params, nodeLogin)
				return &auth.AuthorizationResult{Code: got.Get("code"), State: got.Get("state"), Iss: got.Get("iss")}, nil
			}
			handler, err := auth.NewAuthorizationCodeHandler(&tt.config)
			if err != nil {
				t.Fatal(err)
			}
			session := connectMCP(t, s, handler)
			if len(asked) != 1 || asked[0].Get("scope") != "orders:read" || asked[0].Get("resource") != s.url || asked[0].Get("code_challenge_method") != "S256" {
				t.Fatalf("the client asked for %v, want orders:read for %s", asked, s.url)
			}
			if want := "GET " + resource.WellKnownPath + "/mcp"; len(seen.paths) == 0 || seen.paths[0] != want || slices.Contains(seen.paths, "GET "+resource.WellKnownPath) {
				t.Errorf("the client looked at %q, want %s first", seen.paths, want)
			}
			client := asked[0].Get("client_id")
			if got, want := s.call(t, session, "list"), "list alice "+client+" orders:read"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			placed := s.call(t, session, "place")
			if len(asked) != 2 || asked[1].Get("scope") != "orders:read orders:write" && asked[1].Get("scope") != "orders:write orders:read" { // a set
				t.Fatalf("the client stepped up with %v, want orders:read orders:write", asked)
			}
			if want := "place alice " + asked[1].Get("client_id") + " orders:read orders:write"; placed != want {
				t.Errorf("got %q, want %q", placed, want)
			}
			if got := s.call(t, session, "list"); !strings.HasSuffix(got, "orders:read orders:write") || len(asked) != 2 {
				t.Errorf("after the step-up: %q, asked %d times", got, len(asked))
			}
		})
	}
}

// "MCP servers MUST only accept tokens specifically intended for themselves and
// MUST reject tokens that do not include them in the audience claim" (MCP3): the
// tokens here come from the same authorization server, with the same scope but for
// another resource or for none.
func TestMCPTokensForOthers(t *testing.T) {
	o := sharedNodeOP(t)
	s := newMCPServer(t, o.issuer, true)
	for name, token := range map[string]string{
		"another resource": o.clientCredentials(t, "ES256", "orders:read", nil).Access,
		"opaque":           o.clientCredentials(t, "", "orders:read", nil).Access,
		"an ID token":      o.codeFlow(t, nodeNative("ES256"), "", "openid").ID,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list"}}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		challenge := resp.Header.Get("WWW-Authenticate")
		if resp.StatusCode != 401 || !strings.HasPrefix(challenge, challengePrefix+`, error="invalid_token"`) {
			t.Errorf("%s: %d %s %s, want 401 invalid_token", name, resp.StatusCode, challenge, body)
		}
	}
}

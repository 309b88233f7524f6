package interop_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

// The official TypeScript SDK's client knows only the URL of an MCP server. It
// registers at bearer dev, signs in by code and PKCE, calls, refreshes, and steps up.
func TestDevWithMCPClient(t *testing.T) {
	issuer := startBearerDev(t)
	s := newMCPServer(t, issuer, true)
	needNode(t, mcpClientFolder)
	c, err := newNodeClient(mcpClientFolder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.process.stop)
	c.process.showIfFailed(t)
	var got struct{ URL, ID, Scope, Refresh, Text string }
	code := func() string {
		u, err := url.Parse(signInAt(t, got.URL, "alice"))
		if err != nil {
			t.Fatal(err)
		}
		return u.Query().Get("code")
	}
	c.does(t, command{"command": "connect", "url": s.url, "redirect": devCallback}, &got)
	c.does(t, command{"command": "finish", "code": code()}, &got)
	if !strings.HasPrefix(got.ID, "client-") || got.Scope != "orders:read" || got.Refresh == "" {
		t.Errorf("%+v", got)
	}
	if c.does(t, command{"command": "call", "tool": "list"}, &got); got.Text != "list alice "+got.ID+" orders:read" {
		t.Errorf("the tool answers %q", got.Text)
	}
	c.does(t, command{"command": "spoil"}, &struct{}{})
	if c.does(t, command{"command": "call", "tool": "list"}, &got); !strings.HasPrefix(got.Text, "list alice") {
		t.Errorf("after a refresh the tool answers %q", got.Text)
	}
	c.does(t, command{"command": "forget"}, &struct{}{}) // with a refresh token the client only refreshes
	got.URL, got.Text = "", ""
	c.does(t, command{"command": "call", "tool": "place"}, &got)
	if got.URL == "" {
		t.Fatalf("the client does not step up: %+v", got)
	}
	c.does(t, command{"command": "finish", "code": code()}, &got)
	if c.does(t, command{"command": "call", "tool": "place"}, &got); !strings.HasPrefix(got.Text, "place alice") {
		t.Errorf("after the step-up the tool answers %q", got.Text)
	}
}

// The official Go SDK's client does the same.
func TestDevWithGoMCPClient(t *testing.T) {
	issuer := startBearerDev(t)
	s := newMCPServer(t, issuer, true)
	handler, err := auth.NewAuthorizationCodeHandler(&auth.AuthorizationCodeHandlerConfig{
		DynamicClientRegistrationConfig: &auth.DynamicClientRegistrationConfig{Metadata: &oauthex.ClientRegistrationMetadata{
			RedirectURIs: []string{devCallback}, TokenEndpointAuthMethod: "none",
		}},
		RedirectURL: devCallback,
		AuthorizationCodeFetcher: func(_ context.Context, args *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
			u, err := url.Parse(signInAt(t, args.URL, "bob"))
			if err != nil {
				return nil, err
			}
			return &auth.AuthorizationResult{Code: u.Query().Get("code"), State: u.Query().Get("state"), Iss: u.Query().Get("iss")}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	session := connectMCP(t, s, handler)
	if got := s.call(t, session, "list"); !strings.HasPrefix(got, "list bob") {
		t.Errorf("the tool answers %q", got)
	}
	if got := s.call(t, session, "place"); !strings.HasSuffix(got, "orders:read orders:write") {
		t.Errorf("after the step-up the tool answers %q", got)
	}
}

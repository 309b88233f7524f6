package bearermcp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/bearerkit/bearerkit/adapters/bearermcp"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/client"
)

// stock calls the API of stockOf.
var stock = new(http.Client)

// stockOf is the tool of docs/calling-on-behalf.md.
func stockOf(ctx context.Context, r *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
	req, err := http.NewRequestWithContext(bearermcp.WithCaller(ctx, r), "GET", "https://stock.example.com/items", nil)
	if err != nil {
		return nil, nil, err
	}
	resp, err := stock.Do(req)
	if refused, ok := errors.AsType[*client.Error](err); ok {
		return nil, nil, errors.New(refused.Remedy.Text())
	}
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	items, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: string(items)}}}, nil, err
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// MCP3: a tool calls another API with a token that was exchanged for that of its own
// call, and the API never sees the token of the MCP server.
func TestToolExchangesToken(t *testing.T) {
	var subjects []string
	refuse := false
	login := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		subjects = append(subjects, r.PostFormValue("subject_token"))
		if refuse {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"invalid_request"}`)
			return
		}
		fmt.Fprintf(w, `{"access_token":"exchanged-%d","issued_token_type":"urn:ietf:params:oauth:token-type:access_token","token_type":"Bearer"}`, len(subjects))
	}))
	defer login.Close()
	s := newServer(t, settings{tools: func(tools *mcp.Server) { mcp.AddTool(tools, &mcp.Tool{Name: "stock"}, stockOf) }})
	exchange, err := client.NewExchange(client.ExchangeConfig{
		Endpoint: client.Endpoint{URL: login.URL, ClientID: "mcp", ClientSecret: "secret", Issuer: s.issuer.URL()},
	})
	if err != nil {
		t.Fatal(err)
	}
	api := roundTripFunc(func(r *http.Request) (*http.Response, error) {
		body := io.NopCloser(strings.NewReader("items for " + r.Header.Get("Authorization")))
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: body, Request: r}, nil
	})
	transport, err := client.New(client.Config{Tokens: exchange, Resource: "https://stock.example.com", Base: api})
	if err != nil {
		t.Fatal(err)
	}
	stock.Transport = transport
	defer func() { stock.Transport = nil }()

	id := s.open(t, s.mint("mcp:use"))
	for n, client := range []string{"app", "another"} {
		token := s.issuer.Mint(bearertest.Token{ClientID: client, Scope: "mcp:use", Audience: []string{s.url}})
		got := s.post(t, token, toolCall("stock"), "Mcp-Session-Id", id)
		if want := fmt.Sprintf("items for Bearer exchanged-%d", n+1); !strings.Contains(got.body, want) || len(subjects) != n+1 || subjects[n] != token {
			t.Errorf("%s: %d %s, want %s; exchanged %d tokens", client, got.status, got.body, want, len(subjects))
		}
	}
	refuse = true
	if got := s.post(t, s.mint("mcp:use files:write"), toolCall("stock"), "Mcp-Session-Id", id); !strings.Contains(got.body, "Log in again.") || !strings.Contains(got.body, `"isError":true`) {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// Command client is an MCP client that the conformance suite of the MCP project
// drives: it logs in at the server whose URL is its argument, lists the tools and
// calls the first one. The suite says by the environment which scenario it plays.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/bearerkit/bearerkit/client"
)

// metadataURL is the URL of this client's metadata document, as the suite expects it.
const metadataURL = "https://conformance-test.local/client-metadata.json"

// scenario is what the suite says about its scenario.
type scenario struct {
	Name         string `json:"-"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	PrivateKey   string `json:"private_key_pem"`

	IDPClientID      string `json:"idp_client_id"`
	IDPIDToken       string `json:"idp_id_token"`
	IDPTokenEndpoint string `json:"idp_token_endpoint"`
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 55*time.Second)
	defer cancel()
	if err := run(ctx, os.Args[len(os.Args)-1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, server string) error {
	s := scenario{Name: os.Getenv("MCP_CONFORMANCE_SCENARIO")}
	if err := json.Unmarshal([]byte(cmp.Or(os.Getenv("MCP_CONFORMANCE_CONTEXT"), "{}")), &s); err != nil {
		return fmt.Errorf("MCP_CONFORMANCE_CONTEXT: %w", err)
	}
	tokens, err := s.source()
	if err != nil {
		return err
	}
	transport, err := client.New(client.Config{Resource: server, Tokens: tokens})
	if err != nil {
		return err
	}
	return callTool(ctx, server, &http.Client{Transport: transport})
}

// callTool does what a user of an MCP client does.
func callTool(ctx context.Context, server string, api *http.Client) error {
	session, err := mcp.NewClient(&mcp.Implementation{Name: "bearerkit", Version: "v1.0.0"}, nil).Connect(ctx,
		&mcp.StreamableClientTransport{Endpoint: server, HTTPClient: api, DisableStandaloneSSE: true}, nil)
	if err != nil {
		return err
	}
	defer session.Close()
	tools, err := session.ListTools(ctx, nil)
	if err != nil {
		return err
	}
	if len(tools.Tools) == 0 {
		return errors.New("the server has no tools")
	}
	_, err = session.CallTool(ctx, &mcp.CallToolParams{Name: tools.Tools[0].Name, Arguments: map[string]any{}})
	return err
}

// source returns the source of tokens for the scenario.
func (s scenario) source() (client.Source, error) {
	switch s.Name {
	case "auth/client-credentials-basic", "auth/client-credentials-jwt":
		return client.NewDiscovering(client.DiscoveringConfig{Source: func(found client.Discovery) (client.Source, error) {
			return client.NewClientCredentials(client.ClientCredentialsConfig{Endpoint: s.endpoint(found), Scope: found.Scopes})
		}})
	case "auth/cross-app-access-complete-flow":
		return client.NewDiscovering(client.DiscoveringConfig{Source: func(found client.Discovery) (client.Source, error) {
			return client.NewCrossApp(client.CrossAppConfig{
				IDToken:  func(context.Context) (string, error) { return s.IDPIDToken, nil },
				Provider: client.Endpoint{URL: s.IDPTokenEndpoint, ClientID: s.IDPClientID},
				Server:   s.endpoint(found),
			})
		}})
	}
	return client.NewLogin(client.LoginConfig{
		Open:     browse,
		ClientID: s.ClientID, ClientSecret: s.ClientSecret, InsecureAnyIssuer: true, // the suite does not name the issuer
		ClientMetadataURL: metadataURL,
		ClientName:        "bearerkit conformance client",
		Discovery:         client.DiscoveryConfig{InsecureAllowNoMetadata: strings.HasPrefix(s.Name, "auth/2025-03-26-")},
	})
}

// endpoint returns the token endpoint of the server that was found.
func (s scenario) endpoint(found client.Discovery) client.Endpoint {
	return client.Endpoint{
		URL: found.TokenEndpoint, Issuer: found.Issuer,
		ClientID: s.ClientID, ClientSecret: s.ClientSecret, PrivateKey: []byte(s.PrivateKey),
	}
}

// browse does what a browser does at a server that logs everybody in: it follows the
// redirects back to the client.
func browse(ctx context.Context, page string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the browser ends at a page with status %s", answer.Status)
	}
	return nil
}

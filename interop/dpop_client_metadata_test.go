package interop_test

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/resource"
)

// A client that knows only a resource's URL finds the metadata in the challenge and
// the authorization server in the metadata, and returns with a token.
func TestDPoPClientDiscovers(t *testing.T) {
	for name, required := range map[string]bool{"proofs allowed": false, "proofs required": true} {
		t.Run(name, func(t *testing.T) {
			o := sharedNodeOP(t)
			a := newBoundAPI(t, boundConfig{issuer: o.issuer, proofsRequired: required})
			c := sharedDPoPClient(t)
			const key = "ES256"

			// A client without a token sends an invalid one to get a refusal.
			refused := c.request(t, clientRequest{URL: a.url + "/orders", Token: "none", Key: key})[0]
			if refused.Status != http.StatusUnauthorized || len(refused.Challenges) == 0 {
				t.Fatalf("%+v; want 401 and challenges", refused)
			}
			last := refused.Challenges[len(refused.Challenges)-1].Parameters
			if last["scope"] != "orders:read" || last["algs"] == "" {
				t.Errorf("%v; want the scope and algorithms", last)
			}

			type metadata struct {
				Resource      string   `json:"resource"`
				Servers       []string `json:"authorization_servers"`
				Scopes        []string `json:"scopes_supported"`
				BearerMethods []string `json:"bearer_methods_supported"`
				Algorithms    []string `json:"dpop_signing_alg_values_supported"`
				DPoPRequired  bool     `json:"dpop_bound_access_tokens_required"`
			}
			type found struct {
				At       string
				Metadata metadata
			}
			var byIdentifier, byChallenge found
			ask := map[string]string{"command": "metadata", "resource": a.url}
			c.does(t, ask, &byIdentifier)
			ask["at"] = last["resource_metadata"]
			c.does(t, ask, &byChallenge)
			want := found{
				a.server.URL + "/.well-known/oauth-protected-resource/api/v1",
				metadata{a.url, []string{o.issuer}, []string{"orders:read"}, []string{"header"}, strings.Fields(last["algs"]), required},
			}
			if !reflect.DeepEqual(byIdentifier, want) || !reflect.DeepEqual(byChallenge, want) {
				t.Errorf("by the identifier %+v, by the challenge %+v; want %+v", byIdentifier, byChallenge, want)
			}

			server := &nodeOP{issuer: byChallenge.Metadata.Servers[0]}
			token := c.token(t, server, &boundAPI{api: &api{url: byChallenge.Metadata.Resource}}, key, last["scope"])
			_, got := c.accepts(t, a, clientRequest{URL: a.url + "/orders", Token: token, Key: key})
			if got.Scopes != "orders:read" || got.TokenType != "DPoP" {
				t.Errorf("principal %+v", got)
			}
		})
	}
}

// The client finds and accepts each metadata document of a program that has
// several.
func TestDPoPClientReadsMetadata(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	t.Cleanup(server.Close)
	origin := "http://" + server.Listener.Addr().String()
	var all []*resource.Metadata
	for _, path := range []string{"", "/api", "/api/v1", "/mcp/", "/a%20b/c%2Fd/~e"} {
		m, err := resource.New(resource.Config{Resource: origin + path, AuthorizationServers: []string{"https://as.example.com" + path}})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	var err error
	if server.Config.Handler, err = resource.Handler(all...); err != nil {
		t.Fatal(err)
	}
	server.Start()
	c := sharedDPoPClient(t)
	for _, m := range all {
		t.Run(m.Resource(), func(t *testing.T) {
			for _, at := range []string{"", m.URL()} {
				var got struct {
					At       string
					Metadata map[string]any
				}
				c.does(t, map[string]string{"command": "metadata", "resource": m.Resource(), "at": at}, &got)
				server := "https://as.example.com" + strings.TrimPrefix(m.Resource(), origin)
				want := map[string]any{
					"resource": m.Resource(), "authorization_servers": []any{server}, "bearer_methods_supported": []any{"header"},
				}
				if got.At != m.URL() || !reflect.DeepEqual(got.Metadata, want) {
					t.Errorf("%v at %s; want %v at %s", got.Metadata, got.At, want, m.URL())
				}
			}
		})
	}
}

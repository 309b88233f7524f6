package bearermcp_test

import (
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

func newGuard(t *testing.T, change func(*bearer.Config)) *bearer.Guard {
	t.Helper()
	c := bearer.Config{
		Verifiers:        []bearer.Verifier{bearertest.Principals{}},
		ResourceMetadata: "https://mcp.example.com/.well-known/oauth-protected-resource/mcp",
	}
	if change != nil {
		change(&c)
	}
	guard, err := bearer.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return guard
}

func newMetadata(t *testing.T, servers ...string) *resource.Metadata {
	t.Helper()
	m, err := resource.New(resource.Config{Resource: "https://mcp.example.com/mcp", AuthorizationServers: servers})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// proofs is a bearer.ProofChecker that accepts no proof.
type proofs struct{}

func (proofs) CheckProof(*http.Request, string, bearer.Principal) (bearer.Proof, error) {
	return nil, bearer.ErrUnrecognized
}
func (proofs) Algorithms() []string { return []string{"ES256"} }
func (proofs) Nonce() string        { return "" }

const issuer = "https://login.example.com"

// New checks what the specification requires of every answer.
func TestConfigMistakes(t *testing.T) {
	tests := []struct {
		name   string
		config bearermcp.Config
		want   []string // the fields that are named
	}{
		{"nothing", bearermcp.Config{MaxBody: -1}, []string{"Guard", "Metadata", "MaxBody"}},
		{"BodyMemory below the minimum", bearermcp.Config{
			Guard: newGuard(t, nil), Metadata: newMetadata(t, issuer), Rule: scope.None, MaxBody: 1 << 20, BodyMemory: 2<<20 - 1,
		}, []string{"BodyMemory"}},
		{"negative BodyMemory", bearermcp.Config{
			Guard: newGuard(t, nil), Metadata: newMetadata(t, issuer), Rule: scope.None, BodyMemory: -1,
		}, []string{"BodyMemory"}},
		{"no rule", bearermcp.Config{Guard: newGuard(t, nil), Metadata: newMetadata(t, issuer)}, []string{"Rule"}},
		{"an empty rule", bearermcp.Config{Guard: newGuard(t, nil), Metadata: newMetadata(t, issuer), Rule: scope.All()}, []string{"Rule"}},
		{"MCP1: no authorization server", bearermcp.Config{Guard: newGuard(t, nil), Metadata: newMetadata(t), Rule: scope.None}, []string{"Metadata"}},
		{"MCP2: no metadata in the challenge", bearermcp.Config{
			Guard:    newGuard(t, func(c *bearer.Config) { c.ResourceMetadata = "" }),
			Metadata: newMetadata(t, issuer), Rule: scope.None,
		}, []string{"Guard"}},
		{"MCP2: other metadata in the challenge", bearermcp.Config{
			Guard: newGuard(t, func(c *bearer.Config) {
				c.ResourceMetadata = "https://mcp.example.com/.well-known/oauth-protected-resource"
				c.Realm = `", resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"`
			}),
			Metadata: newMetadata(t, issuer), Rule: scope.None,
		}, []string{"Guard"}},
		{"MCP2: no metadata in two challenges", bearermcp.Config{
			Guard:    newGuard(t, func(c *bearer.Config) { c.ResourceMetadata, c.Proofs = "", proofs{} }),
			Metadata: newMetadata(t, issuer), Rule: scope.None,
		}, []string{"Guard"}},
		{"MCP7: offline_access", bearermcp.Config{
			Guard: newGuard(t, nil), Metadata: newMetadata(t, issuer), Rule: scope.Any("mcp:use", "offline_access"),
		}, []string{"Rule"}},
		{"MCP7: offline_access for a tool", bearermcp.Config{
			Guard: newGuard(t, nil), Metadata: newMetadata(t, issuer), Rule: scope.None,
			Tools: map[string]scope.Rule{"a": scope.All("offline_access"), "b": scope.All("b")},
		}, []string{`Tools["a"]`}},
		{"tools", bearermcp.Config{
			Guard: newGuard(t, nil), Metadata: newMetadata(t, issuer), Rule: scope.None,
			Tools: map[string]scope.Rule{"": scope.All("a"), "b": {}, "c": scope.All()},
		}, []string{`Tools[""]`, `Tools["b"]`, `Tools["c"]`}},
		{"MCP9: tokens in the query", bearermcp.Config{
			Guard: newGuard(t, func(c *bearer.Config) {
				c.Sources = []bearer.TokenSource{bearer.FromAuthorization(), bearer.InsecureFromQuery()}
			}),
			Metadata: newMetadata(t, issuer), Rule: scope.None,
		}, []string{"Guard"}},
		{"MCP9: tokens in the query and in forms", bearermcp.Config{
			Guard: newGuard(t, func(c *bearer.Config) {
				c.Sources = []bearer.TokenSource{bearer.InsecureFromQuery(), bearer.FromFormBody()}
			}),
			Metadata: newMetadata(t, issuer), Rule: scope.None,
		}, []string{"Guard", "Guard"}},
		{"a nil requirement", bearermcp.Config{
			Guard: newGuard(t, nil), Metadata: newMetadata(t, issuer), Rule: scope.None, Requirements: []bearer.Requirement{nil},
		}, []string{"Rule"}},
		{"no mistake", bearermcp.Config{Guard: newGuard(t, nil), Metadata: newMetadata(t, issuer), Rule: scope.None}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			endpoint, err := bearermcp.New(tt.config)
			var got []string
			if err != nil {
				got = strings.Split(err.Error(), "\n")
			}
			if len(got) != len(tt.want) || (endpoint == nil) != (err != nil) {
				t.Fatalf("%v, want %d mistakes", err, len(tt.want))
			}
			for i, line := range got {
				if !strings.HasPrefix(line, "bearermcp: Config."+tt.want[i]) {
					t.Errorf("%s, want a mistake in %s", line, tt.want[i])
				}
			}
		})
	}
}

// The authorization server knows the server by another name (MCP3).
func TestAudience(t *testing.T) {
	s := newServer(t, settings{stateless: true, endpoint: func(c *bearermcp.Config) {
		c.Audience = strings.TrimSuffix(c.Metadata.Resource(), "/mcp") + "/other"
	}})
	elsewhere := s.issuer.Mint(bearertest.Token{Scope: "mcp:use", Audience: []string{s.origin + "/other"}})
	if got := s.post(t, elsewhere, toolCall("read")); got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := s.post(t, s.mint("mcp:use"), toolCall("read")); got.status != 401 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// "implementations SHOULD accept uppercase scheme and host components for
// robustness" (MCP10): clients ask for tokens by the identifier as it is
// published, in lower case.
func TestIdentifierInUpperCase(t *testing.T) {
	metadata, err := resource.New(resource.Config{Resource: "HTTPS://MCP.Example.com/mcp", AuthorizationServers: []string{issuer}})
	if err != nil {
		t.Fatal(err)
	}
	guard := newGuard(t, func(c *bearer.Config) {
		c.Verifiers = []bearer.Verifier{bearertest.Principals{"alice": bearer.Principal{Subject: "alice"}.WithAudience("https://mcp.example.com/mcp")}}
	})
	endpoint, err := bearermcp.New(bearermcp.Config{Guard: guard, Metadata: metadata, Rule: scope.None})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/mcp", nil)
	r.Header.Set("Authorization", "Bearer alice")
	w := httptest.NewRecorder()
	endpoint.Protect(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })).ServeHTTP(w, r)
	if w.Code != http.StatusAccepted {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if r.Header.Get("Authorization") != "Bearer alice" {
		t.Error("the caller's request was modified")
	}
}

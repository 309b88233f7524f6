package compliance_test

import (
	"cmp"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/compliance"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/resource"
	"github.com/bearerkit/bearerkit/scope"
)

// newServer returns the URL of a server that calls asked for each request.
func newServer(t *testing.T, asked func()) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked() }))
	t.Cleanup(s.Close)
	return s.URL
}

// withoutProofs configures an MCP server without DPoP, as most are.
func withoutProofs(s *compliance.Settings) { s.Proofs = nil }

// MCP authorization: servers "MUST implement OAuth 2.0 Protected Resource
// Metadata", whose document "MUST include the authorization_servers field
// containing at least one authorization server".
func TestMCP1(t *testing.T) {
	s := settings("https://login.example.com")
	s.Opaque = &introspect.Config{Issuer: "https://other.example.com"}
	if err := compliance.MCP.Apply(s); err != nil {
		t.Fatal(err)
	}
	if want := []string{"https://login.example.com", "https://other.example.com"}; !slices.Equal(s.Metadata.AuthorizationServers, want) {
		t.Errorf("%q, want %q", s.Metadata.AuthorizationServers, want)
	}
	s = settings("https://login.example.com")
	s.Metadata.AuthorizationServers = []string{"https://own.example.com"}
	if err := compliance.MCP.Apply(s); err != nil || len(s.Metadata.AuthorizationServers) != 1 {
		t.Errorf("%q, %v", s.Metadata.AuthorizationServers, err)
	}
	refuses(t, compliance.MCP, func(s *compliance.Settings) { s.Metadata = nil }, "MCP1: resource.Config is missing")
	refuses(t, compliance.MCP, func(s *compliance.Settings) { s.Tokens, s.Opaque = nil, nil }, "MCP1: resource.Config.AuthorizationServers is empty")
}

// MCP authorization: servers MUST use resource_metadata in the 401 or the
// well-known URI; clients try that with the path first, then that of the root.
func TestMCP2(t *testing.T) {
	s := settings("https://login.example.com")
	s.Metadata.Resource = "https://api.example.com/mcp"
	if err := compliance.MCP.Apply(s); err != nil {
		t.Fatal(err)
	}
	document, err := resource.New(*s.Metadata)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"} {
		w := httptest.NewRecorder()
		document.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != 200 || !strings.Contains(w.Body.String(), `"resource":"https://api.example.com/mcp"`) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if want := "https://api.example.com/.well-known/oauth-protected-resource/mcp"; s.Guard.ResourceMetadata != want {
		t.Errorf("a 401 names %q, want %q", s.Guard.ResourceMetadata, want)
	}
	refuses(t, compliance.MCP, func(s *compliance.Settings) { s.Guard.ResourceMetadata = origin + "/metadata" }, "MCP2: bearer.Config.ResourceMetadata is")
	refuses(t, compliance.MCP, func(s *compliance.Settings) { s.Metadata.Resource = "" }, "MCP2: resource: Config.Resource")
}

// MCP authorization: servers "MUST validate that access tokens were issued
// specifically for them as the intended audience".
func TestMCP3(t *testing.T) {
	a := newAPI(t, compliance.MCP, scope.None, func(s *compliance.Settings) {
		s.Proofs = nil
		s.Tokens.Issuers[0].Audience = nil
	})
	a.want(200, a.bearer(a.mint(bearertest.Token{}, false)), "for this resource")
	a.want(401, a.bearer(a.mint(bearertest.Token{Audience: []string{origin + "/other"}}, false)), "for another")
	refuses(t, compliance.MCP, func(s *compliance.Settings) { s.Opaque.InsecureAudienceNotSent = true }, "MCP3: introspect.Config.InsecureAudienceNotSent is set")
	refuses(t, compliance.MCP, func(s *compliance.Settings) { s.Metadata = nil }, "MCP3: jwks.Config.Issuers[0].Audience is empty", "introspect.Config.Audience is empty")
}

// MCP authorization: "Invalid or expired tokens MUST receive a HTTP 401
// response".
func TestMCP4(t *testing.T) {
	a := newAPI(t, compliance.MCP, scope.None, withoutProofs)
	const metadata = `, resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"`
	for why, tt := range map[string]struct{ token, text string }{
		"expired": {a.mint(bearertest.Token{TTL: -time.Minute}, false), "The access token has expired."},
		"invalid": {"abc", "The access token is invalid."},
	} {
		got := a.bearer(tt.token)
		a.want(401, got, why)
		if want := `Bearer realm="api", error="invalid_token", error_description="` + tt.text + `"` + metadata; got.challenge != want {
			t.Errorf("%s: %q, want %q", why, got.challenge, want)
		}
	}
}

// MCP authorization: servers SHOULD "include a scope parameter in the
// WWW-Authenticate header" of the 401.
func TestMCP5(t *testing.T) {
	a := newAPI(t, compliance.MCP, scope.All("files:read", "files:write"), withoutProofs)
	got := a.ask("/orders", nil)
	want := `Bearer realm="api", scope="files:read files:write", resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"`
	if got.status != 401 || got.challenge != want {
		t.Errorf("%d %q, want %q", got.status, got.challenge, want)
	}
}

// MCP authorization, scope challenge handling: 403 with error, the scopes
// needed for the operation in one challenge, and resource_metadata.
func TestMCP6(t *testing.T) {
	a := newAPI(t, compliance.MCP, scope.All("files:read", "files:write"), withoutProofs)
	got := a.bearer(a.mint(bearertest.Token{Scope: "files:read"}, false))
	want := `Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", ` +
		`scope="files:read files:write", resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"`
	if got.status != 403 || got.challenge != want {
		t.Errorf("%d %q, want %q", got.status, got.challenge, want)
	}
}

// MCP authorization: servers SHOULD NOT list offline_access, which is no
// requirement of the resource.
func TestMCP7(t *testing.T) {
	refuses(t, compliance.MCP, func(s *compliance.Settings) { s.Metadata.Scopes = scope.Of("a", "offline_access") }, "MCP7: resource.Config.Scopes")
	refuses(t, compliance.MCP, func(s *compliance.Settings) {
		s.Metadata.Rules = []scope.Rule{scope.All("a"), scope.All("offline_access")}
	}, "MCP7: resource.Config.Rules[1]")
}

// MCP authorization: servers "MUST account for" scopes that imply others.
func TestMCP8(t *testing.T) {
	hierarchy, err := scope.NewHierarchy(map[string][]string{"files:write": {"files:read"}})
	if err != nil {
		t.Fatal(err)
	}
	a := newAPI(t, compliance.MCP, scope.All("files:read"), func(s *compliance.Settings) {
		s.Proofs = nil
		s.Guard.Hierarchy = hierarchy
	})
	a.want(200, a.bearer(a.mint(bearertest.Token{Scope: "files:write"}, false)), "the broader scope")
	a.want(403, a.bearer(a.mint(bearertest.Token{Scope: "files:list"}, false)), "another")
}

// MCP authorization: "Access tokens MUST NOT be included in the URI query
// string", and authorization is in every request of a session.
func TestMCP9(t *testing.T) {
	a := newAPI(t, compliance.MCP, scope.None, withoutProofs)
	token := a.mint(bearertest.Token{}, false)
	a.want(401, a.ask("/orders?access_token="+token, nil), "in the query")
	a.want(200, a.bearer(token), "the first request of a session")
	a.want(401, a.ask("/orders", http.Header{"Mcp-Session-Id": {"1"}}), "the next one, without")
	refuses(t, compliance.MCP, func(s *compliance.Settings) {
		// Reports G10: other settings that would weaken the profile.
		s.Guard.Sources = []bearer.TokenSource{bearer.InsecureFromQuery(), bearer.FromFormBody()}
		s.Guard.InsecurePassPreflights = true
	}, "MCP9: bearer.Config.Sources[0] is InsecureFromQuery()", "MCP9: bearer.Config.Sources[1] is FromFormBody()", "MCP9: bearer.Config.InsecurePassPreflights is set")
}

// MCP authorization, canonical server URI: upper-case scheme and host are
// accepted "for robustness".
func TestMCP10(t *testing.T) {
	s := settings("https://login.example.com")
	s.Metadata.Resource = "HTTPS://API.example.COM/mcp"
	if err := compliance.MCP.Apply(s); err != nil {
		t.Fatal(err)
	}
	document, err := resource.New(*s.Metadata)
	if err != nil || document.Resource() != "https://api.example.com/mcp" {
		t.Errorf("%q, %v", document.Resource(), err)
	}
	if want := "https://api.example.com/.well-known/oauth-protected-resource/mcp"; s.Guard.ResourceMetadata != want {
		t.Errorf("%q, want %q", s.Guard.ResourceMetadata, want)
	}
	a := newAPI(t, compliance.MCP, scope.None, func(s *compliance.Settings) {
		s.Proofs = nil
		s.Metadata.Resource = "HTTPS://API.example.COM/mcp"
		s.Tokens.Issuers[0].Audience = nil
	})
	a.want(200, a.bearer(a.mint(bearertest.Token{Audience: []string{document.Resource()}}, false)), "a token for the published identifier")
}

// RFC 8414, Section 3.3: the issuer that metadata say "MUST be identical" to
// the one that was asked for.
func TestMCP11(t *testing.T) {
	a := newAPI(t, compliance.MCP, scope.None, withoutProofs)
	for name, tt := range map[string]struct {
		says   string // issuer in the metadata; empty: the server's URL
		status int
	}{
		"metadata with the right issuer":            {"", 200},
		"metadata with another issuer":              {"https://login.example.com", 503},
		"metadata with another issuer and its keys": {a.issuer.URL(), 503},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"issuer":"` + cmp.Or(tt.says, "http://"+r.Host) + `","jwks_uri":"` + a.issuer.URL() + `/jwks"}`))
		}))
		defer server.Close()
		s := settings(server.URL)
		if err := compliance.MCP.Apply(s); err != nil {
			t.Fatal(err)
		}
		tokens, err := jwks.New(*s.Tokens)
		if err != nil {
			t.Fatal(err)
		}
		defer tokens.Close()
		s.Guard.Verifiers = []bearer.Verifier{tokens}
		guard, err := bearer.New(*s.Guard)
		if err != nil {
			t.Fatal(err)
		}
		a.route = guard.MustRoute(bearer.RouteConfig{Rule: scope.None})
		token := a.mint(bearertest.Token{Claims: map[string]any{"iss": server.URL}}, false)
		a.want(tt.status, a.bearer(token), name)
	}
}

package resource_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/resource"
	"github.com/bearerkit/bearerkit/scope"
)

func serve(h http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func get(h http.Handler, target string) *httptest.ResponseRecorder { return serve(h, "GET", target) }

// RFC 9728, Section 3.1: "any terminating slash (/) following the host
// component MUST be removed before inserting /.well-known/ and the well-known
// URI path suffix between the host component and the path and/or query
// components" (checklist P2).
func TestP2WellKnownURL(t *testing.T) {
	tests := []struct{ name, resource, url string }{
		{"a root", "https://api.example.com", "https://api.example.com/.well-known/oauth-protected-resource"},
		{"a root with a slash", "https://api.example.com/", "https://api.example.com/.well-known/oauth-protected-resource"},
		{"a path", "https://api.example.com/v1/orders", "https://api.example.com/.well-known/oauth-protected-resource/v1/orders"},
		{"a path with a slash at the end", "https://api.example.com/v1/", "https://api.example.com/.well-known/oauth-protected-resource/v1/"},
		{"a port", "https://api.example.com:8443/v1", "https://api.example.com:8443/.well-known/oauth-protected-resource/v1"},
		{"IPv6", "http://[::1]:8080/v1", "http://[::1]:8080/.well-known/oauth-protected-resource/v1"},
		{"an encoded slash", "https://api.example.com/a%2Fb", "https://api.example.com/.well-known/oauth-protected-resource/a%2Fb"},
		{"braces, encoded", "https://api.example.com/%7Bid%7D", "https://api.example.com/.well-known/oauth-protected-resource/%7Bid%7D"},
		{"a colon and a star", "https://api.example.com/:a/*b", "https://api.example.com/.well-known/oauth-protected-resource/:a/*b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMetadata(t, resource.Config{Resource: tt.resource})
			if m.URL() != tt.url || !strings.HasSuffix(tt.url, m.Path()) {
				t.Errorf("got %s, path %s, want %s", m.URL(), m.Path(), tt.url)
			}
			mux := http.NewServeMux()
			mux.Handle("GET /", http.NotFoundHandler())
			mux.Handle("GET "+m.Path(), m)
			mux.Handle("OPTIONS "+m.Path(), m)
			for method, status := range map[string]int{"GET": 200, "HEAD": 200, "OPTIONS": 204} {
				if w := serve(mux, method, m.Path()); w.Code != status {
					t.Errorf("by a ServeMux: %s %d", method, w.Code)
				}
			}
			// Some clients, such as oauth4webapi, keep a trailing slash; the
			// MCP SDKs remove it.
			for _, path := range []string{m.Path(), strings.TrimSuffix(m.Path(), "/"), strings.TrimSuffix(m.Path(), "/") + "/"} {
				if w := get(m, path); w.Code != 200 || !strings.Contains(w.Body.String(), tt.resource) {
					t.Errorf("%s: %d %s", path, w.Code, w.Body)
				}
			}
			if _, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{refusing}, ResourceMetadata: m.URL()}); err != nil {
				t.Errorf("the guard does not take the URL: %v", err)
			}
		})
	}
	for _, path := range []string{
		"/", "/v1", "/.well-known", "/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/",
		"/.well-known/oauth-protected-resource/v", "/.well-known/oauth-protected-resource/v1/orders",
		"/.well-known/oauth-protected-resource/v1//", "/.well-known/oauth-protected-resource/v1%2F",
		"/.well-known/oauth-protected-resource//v1", "/.well-known/oauth-authorization-server/v1", "/.well-known/oauth-protected-resourcev1",
	} {
		if w := get(newMetadata(t, resource.Config{Resource: "https://api.example.com/v1"}), path); w.Code != 404 {
			t.Errorf("%s: got %d, want 404", path, w.Code)
		}
	}
}

// RFC 9728, Section 3.2: "A successful response MUST use the 200 OK HTTP
// status code and return a JSON object using the application/json content
// type [...] Parameters with zero values MUST be omitted" (checklist P3).
func TestP3Response(t *testing.T) {
	m := newMetadata(t, resource.Config{
		Resource:             "https://api.example.com",
		AuthorizationServers: []string{},
		BearerMethods:        []string{},
		NameByLanguage:       map[string]string{},
		DPoPAlgorithms:       []string{},
	})
	w := get(m, m.Path())
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("got %d, %s", w.Code, w.Header())
	}
	if got, want := w.Body.String(), `{"resource":"https://api.example.com"}`+"\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// RFC 9728, Section 2 (checklist P4). The members and their types are the
// registry's; the second document is the example of Section 3.2.
func TestP4Document(t *testing.T) {
	tests := []struct {
		golden string
		config resource.Config
	}{
		{"full.json", resource.Config{
			Resource:                  "https://api.example.com/v1",
			AuthorizationServers:      []string{"https://login.example.com", "https://login.example.com/tenant"},
			Rules:                     []scope.Rule{scope.All("orders:read"), scope.Any("orders:write", "admin")},
			BearerMethods:             []string{"header", "body", "query"},
			Name:                      `Orders "<1>" & more`,
			NameByLanguage:            map[string]string{"pt-BR": "Pedidos", "de": "Aufträge"},
			Documentation:             "https://docs.example.com/orders#auth",
			PolicyURI:                 "https://example.com/privacy",
			TOSURI:                    "http://example.com/terms",
			JWKSURI:                   "https://api.example.com/keys",
			SigningAlgorithms:         []string{"ES256", "RS256"},
			AuthorizationDetailsTypes: []string{"payment_initiation"},
			MTLSBound:                 true,
			DPoPAlgorithms:            []string{"ES256", "EdDSA"},
			DPoPRequired:              true,
		}},
		{"rfc9728.json", resource.Config{
			Resource:             "https://resource.example.com",
			AuthorizationServers: []string{"https://as1.example.com", "https://as2.example.net"},
			BearerMethods:        []string{"header", "body"},
			Scopes:               scope.Of("profile", "email", "phone"),
			Documentation:        "https://resource.example.com/resource_documentation.html",
		}},
		{"default.json", resource.Config{Resource: "https://api.example.com"}},
	}
	for _, tt := range tests {
		t.Run(tt.golden, func(t *testing.T) {
			m := newMetadata(t, tt.config)
			got := get(m, m.Path()).Body.String()
			want, err := os.ReadFile(filepath.Join("testdata", tt.golden))
			if err != nil || got != string(want) {
				t.Errorf("got %s, want %s (%v)", got, want, err)
			}
			if !json.Valid([]byte(got)) {
				t.Error("it is no JSON")
			}
		})
	}
}

// RFC 9728, Section 3.3: the resource is compared with the identifier that the
// client started from, so it is the configured one; requests cannot change it
// (checklist P5, C11).
func TestP5NothingComesFromTheRequest(t *testing.T) {
	m := newMetadata(t, resource.Config{Resource: "https://api.example.com/v1"})
	want := get(m, m.Path()).Body.String()
	for _, target := range []string{m.Path(), "http://evil.example" + m.Path(), m.Path() + "?resource=https://evil.example"} {
		w := serve(m, "GET", target,
			"Forwarded", "host=evil.example;proto=http", "X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "http",
			"X-Forwarded-Prefix", "/evil", "X-Original-URL", "/evil", "Origin", "https://evil.example", "Accept", "text/html")
		if got := w.Body.String(); w.Code != 200 || got != want {
			t.Errorf("%s: %d %s", target, w.Code, got)
		}
		for name, values := range w.Header() {
			if strings.Contains(strings.Join(values, " "), "evil") {
				t.Errorf("%s: %s: %s", target, name, values)
			}
		}
	}
}

// RFC 9728, Section 5.1: resource_metadata is "the URL of the protected
// resource metadata", and goes with any scheme (checklist P6).
func TestP6Challenge(t *testing.T) {
	m := newMetadata(t, resource.Config{Resource: "https://api.example.com/v1"})
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{refusing}, ResourceMetadata: m.URL(), Proofs: proofs{}})
	if err != nil {
		t.Fatal(err)
	}
	route := guard.MustRoute(bearer.RouteConfig{Rule: scope.All("orders:read")})
	w := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { route.Admit(w, r) }), "GET", "/v1")
	challenges, err := bearertest.ParseChallenges(w.Header().Values("WWW-Authenticate"))
	if err != nil || len(challenges) != 2 {
		t.Fatalf("got %v, %v, want one of Bearer and one of DPoP", challenges, err)
	}
	for _, challenge := range challenges {
		named := challenge.Params["resource_metadata"]
		if named != "https://api.example.com/.well-known/oauth-protected-resource/v1" {
			t.Errorf("%s: got %q", challenge.Scheme, named)
		}
		if w := get(m, named); w.Code != 200 || !strings.Contains(w.Body.String(), `"resource":"https://api.example.com/v1"`) {
			t.Errorf("at %s: %d %s", named, w.Code, w.Body)
		}
	}
}

// proofs is a bearer.ProofChecker that accepts no proof.
type proofs struct{}

func (proofs) CheckProof(*http.Request, string, bearer.Principal) (bearer.Proof, error) {
	return nil, bearer.ErrUnrecognized
}
func (proofs) Algorithms() []string { return []string{"ES256"} }
func (proofs) Nonce() string        { return "" }

// RFC 9728, Sections 6 and 7.10: strings are published unchanged, because
// clients compare code points, and the response may be cached (checklist P7;
// TLS is P1).
func TestP7SpellingAndCaching(t *testing.T) {
	for _, text := range []string{
		"https://api.example.com", "https://api.example.com/", "https://api.example.com/V1", "https://api.example.com/%7ea", "https://api.example.com/~a",
		"https://api.example.com/%C3%A9", "https://api.example.com/e%CC%81", "https://api.example.com/a&b",
	} {
		m := newMetadata(t, resource.Config{Resource: text})
		w := get(m, m.Path())
		if got, want := w.Body.String(), `{"resource":"`+text+`",`; !strings.HasPrefix(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
		if w.Header().Get("Cache-Control") != "public, max-age=3600" {
			t.Errorf("Cache-Control: %q", w.Header().Get("Cache-Control"))
		}
	}
}

// Browser clients can read the document without credentials (checklist P8).
func TestP8CORS(t *testing.T) {
	m := newMetadata(t, resource.Config{Resource: "https://api.example.com/mcp"})
	tests := []struct {
		name, method, target string
		status               int
		length, allow        bool
	}{
		{"GET", "GET", m.Path(), 200, true, false},
		{"HEAD", "HEAD", m.Path(), 200, true, false},
		{"a preflight", "OPTIONS", m.Path(), 204, false, true},
		{"POST", "POST", m.Path(), 405, false, true},
		{"PUT", "PUT", m.Path(), 405, false, true},
		{"a method in lower case", "get", m.Path(), 405, false, true},
		{"elsewhere", "GET", "/.well-known/oauth-protected-resource", 404, false, false},
		{"a preflight elsewhere", "OPTIONS", "/.well-known/oauth-protected-resource", 404, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := serve(m, tt.method, tt.target, "Origin", "https://client.example", "Authorization", "Bearer junk",
				"Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "mcp-protocol-version")
			h := w.Header()
			if w.Code != tt.status || h.Get("Access-Control-Allow-Origin") != "*" || len(h.Values("Access-Control-Allow-Origin")) != 1 {
				t.Errorf("got %d, %v", w.Code, h)
			}
			if h.Get("Access-Control-Allow-Credentials") != "" || h.Get("WWW-Authenticate") != "" {
				t.Errorf("got %v", h)
			}
			if (h.Get("Content-Length") != "") != tt.length {
				t.Errorf("Content-Length: %q", h.Get("Content-Length"))
			}
			if got := h.Get("Allow"); tt.allow != (got == "GET, HEAD, OPTIONS") {
				t.Errorf("Allow: %q", got)
			}
			if tt.status == 204 && (h.Get("Access-Control-Allow-Methods") != "GET, HEAD, OPTIONS" || h.Get("Access-Control-Allow-Headers") != "*" || w.Body.Len() > 0) {
				t.Errorf("got %v", h)
			}
			if tt.method == "HEAD" && w.Body.Len() > 0 {
				t.Error("a body")
			}
		})
	}
}

// "Clients MUST [...] try the well-known URI at the path of the server's MCP
// endpoint [...], then at the root" (MCP authorization; checklist MCP2).
func TestMCP2PathAndRoot(t *testing.T) {
	for _, tt := range []struct {
		resource   string
		atRoot     bool
		path, root int
	}{
		{"https://api.example.com/mcp", true, 200, 200},
		{"https://api.example.com/mcp", false, 200, 404},
		{"https://api.example.com", true, 404, 200},
		{"https://api.example.com", false, 404, 200},
	} {
		m := newMetadata(t, resource.Config{Resource: tt.resource, ServeAtRoot: tt.atRoot})
		h, err := resource.Handler(m)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range []http.Handler{m, h} {
			path, root := get(h, resource.WellKnownPath+"/mcp"), get(h, resource.WellKnownPath)
			if path.Code != tt.path || root.Code != tt.root {
				t.Errorf("%s, ServeAtRoot %t: %d and %d", tt.resource, tt.atRoot, path.Code, root.Code)
			}
			if path.Code == root.Code && path.Body.String() != root.Body.String() {
				t.Errorf("%s and %s", path.Body, root.Body)
			}
		}
	}
}

var refusing = bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) {
	return nil, bearer.ErrUnrecognized
})

func TestAuthorizationServers(t *testing.T) {
	servers := []string{"https://login.example.com", "https://login.example.com/tenant"}
	m := newMetadata(t, resource.Config{Resource: "https://api.example.com", AuthorizationServers: servers})
	want := slices.Clone(servers)
	servers[0] = "https://evil.example.com"
	m.AuthorizationServers()[1] = "https://evil.example.com"
	if got := m.AuthorizationServers(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := newMetadata(t, resource.Config{Resource: "https://api.example.com"}).AuthorizationServers(); len(got) > 0 {
		t.Errorf("got %q, want none", got)
	}
}

package bearermcp_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/bearerkit/bearerkit/adapters/bearermcp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/internal/handover"
	"github.com/bearerkit/bearerkit/scope"
)

// "authorization MUST be included in every HTTP request from client to server,
// even if they are part of the same logical session" (MCP9): a session is not a
// credential, and only its owner can use it.
func TestSessions(t *testing.T) {
	s := newServer(t, settings{})
	id := s.open(t, s.mint("mcp:use"))
	other := s.issuer.Mint(bearertest.Token{ClientID: "another", Scope: "mcp:use", Audience: []string{s.url}})
	tests := []struct {
		name   string
		token  string
		status int
	}{
		{"no token", "", 401},
		{"another token of the same user", s.mint("mcp:use files:write"), 200},
		{"the same user, with less scope", s.mint("other"), 403},
		{"another user", s.mintAs("bob", "mcp:use files:write"), 403},
		{"another client of the same user", other, 200},
		{"a client that acts for itself", s.issuer.Mint(bearertest.Token{Subject: "app", Scope: "mcp:use", Audience: []string{s.url}}), 403},
		{"a client with the same name as the user", s.issuer.Mint(bearertest.Token{Subject: "alice", ClientID: "alice", Scope: "mcp:use", Audience: []string{s.url}}), 403},
		{"an expired token of the same user", s.issuer.Mint(bearertest.Token{Scope: "mcp:use", Audience: []string{s.url}, TTL: -time.Minute}), 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := s.post(t, tt.token, toolCall("read"), "Mcp-Session-Id", id); got.status != tt.status {
				t.Errorf("%d %s, want %d", got.status, got.body, tt.status)
			}
			if calls := s.seen(); (len(calls) == 1) != (tt.status == 200) {
				t.Errorf("calls %v", calls)
			}
			if tt.status == 200 {
				return
			}
			var header []string
			if tt.token != "" {
				header = []string{"Authorization", "Bearer " + tt.token}
			}
			for _, method := range []string{http.MethodGet, http.MethodDelete} {
				if got := do(t, method, s.url, "", append(header, "Mcp-Session-Id", id)...); got.status != tt.status {
					t.Errorf("%s: %d %s, want %d", method, got.status, got.body, tt.status)
				}
			}
		})
	}
	if got := s.post(t, s.mint("mcp:use"), toolCall("read"), "Mcp-Session-Id", id); got.status != 200 {
		t.Errorf("the session is gone: %d %s", got.status, got.body)
	}
}

// A token that names neither user nor client owns only its own sessions. Reports
// L3: so does a token with a malformed sub.
func TestSessionsWithoutAnOwner(t *testing.T) {
	nobody := bearer.Principal{Issuer: "issuer", Scopes: scope.Of("mcp:use")}
	malformed := nobody.WithClient(false)
	malformed.ClientID = "app"
	for _, p := range []bearer.Principal{nobody, malformed} {
		s := newServer(t, settings{guard: func(origin string, c *bearer.Config) {
			p = p.WithAudience(origin + "/mcp")
			c.Verifiers = []bearer.Verifier{bearertest.Principals{"a": p, "b": p}}
		}})
		id := s.open(t, "a")
		for token, status := range map[string]int{"a": 200, "b": 403} {
			if got := s.post(t, token, toolCall("read"), "Mcp-Session-Id", id); got.status != status {
				t.Errorf("client %q, %s: %d %s, want %d", p.ClientID, token, got.status, got.body, status)
			}
		}
	}
}

// A subject is unique only within its issuer, and no name can imitate another user.
func TestSessionsOfOtherIssuers(t *testing.T) {
	s := newServer(t, settings{guard: func(origin string, c *bearer.Config) {
		of := func(p bearer.Principal) bearer.Principal {
			p.Scopes = scope.Of("mcp:use")
			return p.WithAudience(origin + "/mcp")
		}
		c.Verifiers = []bearer.Verifier{bearertest.Principals{
			"mine":      of(bearer.Principal{Issuer: "https://a.example", Subject: "alice", ClientID: "app"}),
			"same":      of(bearer.Principal{Issuer: "https://a.example", Subject: "alice", ClientID: "app"}),
			"issuer":    of(bearer.Principal{Issuer: "https://b.example", Subject: "alice", ClientID: "app"}),
			"slash":     of(bearer.Principal{Issuer: "https://a.example/", Subject: "alice", ClientID: "app"}),
			"no-issuer": of(bearer.Principal{Subject: `https://a.example" "alice`, ClientID: "app"}),
			"client":    of(bearer.Principal{Issuer: "https://a.example", Subject: "alice", ClientID: "alice"}),
		}}
	}})
	id := s.open(t, "mine")
	for token, status := range map[string]int{"same": 200, "issuer": 403, "slash": 403, "no-issuer": 403, "client": 403} {
		if got := s.post(t, token, toolCall("read"), "Mcp-Session-Id", id); got.status != status {
			t.Errorf("%s: %d %s, want %d", token, got.status, got.body, status)
		}
		if calls := s.seen(); (len(calls) == 1) != (status == 200) {
			t.Errorf("%s: calls %v", token, calls)
		}
	}
}

// FromRequest returns the principal of the tool's own call, not of the request that
// opened the session. The tool receives neither token ("MUST NOT pass the token",
// MCP3).
func TestFromRequest(t *testing.T) {
	s := newServer(t, settings{})
	id := s.open(t, s.mint("mcp:use"))
	if got := s.post(t, s.mint("mcp:use files:write"), toolCall("write"), "Mcp-Session-Id", id); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	c := s.seen()[0]
	if !c.knownByRequest || c.request.Subject != "alice" || c.request.Scopes != scope.Of("mcp:use", "files:write") || !c.request.HasAudience(s.url) {
		t.Errorf("FromRequest: %+v, %v", c.request, c.knownByRequest)
	}
	if want := []string{"files:write", "mcp:use"}; !slices.Equal(c.infoScopes, want) || !c.infoExpiration.Equal(c.request.Expires) || c.infoExpiration.IsZero() {
		t.Errorf("TokenInfo: %v until %v, want %v until %v", c.infoScopes, c.infoExpiration, want, c.request.Expires)
	}
	if want := `user "` + s.issuer.URL() + `" "alice"`; c.userID != want {
		t.Errorf("TokenInfo.UserID is %s, want %s", c.userID, want)
	}
	if c.authorization != nil || c.proofWasCarried {
		t.Errorf("the tool received the token: %q", c.authorization)
	}
	// The package documentation warns about this.
	if c.context.Scopes != scope.Of("mcp:use") {
		t.Errorf("the context has the scopes %v, want those of the request that opened the session", c.context.Scopes)
	}
}

// Package client gets the token of the tool's own call, and only by WithCaller: in a
// session, the context is that of another request, perhaps of another client.
func TestWithCaller(t *testing.T) {
	for _, stateless := range []bool{false, true} {
		s := newServer(t, settings{stateless: stateless})
		var header []string
		if !stateless {
			header = []string{"Mcp-Session-Id", s.open(t, s.mint("mcp:use files:admin"))}
		}
		for _, client := range []string{"app", "another"} {
			token := s.issuer.Mint(bearertest.Token{ClientID: client, Scope: "mcp:use", Audience: []string{s.url}})
			if got := s.post(t, token, toolCall("read"), header...); got.status != 200 {
				t.Fatalf("%d %s", got.status, got.body)
			}
			c := s.seen()[0]
			if c.token != "" || c.ownToken != token || c.own.ClientID != client || c.own.Scopes != scope.Of("mcp:use") {
				t.Errorf("stateless %t: the context has the token %q, and WithCaller that of %+v; want %s", stateless, c.token, c.own, client)
			}
		}
	}
}

// WithCaller works without a guard, and keeps the values and the end of the
// handler's context. Nothing prints the token that the SDK carries.
func TestWithCallerKeepsTheContext(t *testing.T) {
	type key struct{}
	ctx, cancel := context.WithCancelCause(context.WithValue(t.Context(), key{}, "value"))
	for _, r := range []*mcp.CallToolRequest{{}, {Extra: &mcp.RequestExtra{}}, {Extra: &mcp.RequestExtra{TokenInfo: &auth.TokenInfo{}}}} {
		if got := bearermcp.WithCaller(ctx, r); got != ctx {
			t.Errorf("without a guard: %v", got)
		}
	}
	endpoint, err := bearermcp.New(bearermcp.Config{Guard: newGuard(t, func(c *bearer.Config) {
		c.Verifiers = []bearer.Verifier{bearertest.Principals{"secret-token": bearer.Principal{Issuer: issuer, Subject: "alice"}.WithAudience("https://mcp.example.com/mcp")}}
	}), Metadata: newMetadata(t, issuer), Rule: scope.None})
	if err != nil {
		t.Fatal(err)
	}
	var info *auth.TokenInfo
	h := endpoint.Protect(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { info = auth.TokenInfoFromContext(r.Context()) }))
	r := httptest.NewRequest(http.MethodGet, "/mcp", nil)
	r.Header.Set("Authorization", "Bearer secret-token")
	h.ServeHTTP(httptest.NewRecorder(), r)
	if info == nil {
		t.Fatal("refused")
	}
	got := bearermcp.WithCaller(ctx, &mcp.CallToolRequest{Extra: &mcp.RequestExtra{TokenInfo: info}})
	if token, _ := handover.Token(got); token != "secret-token" || got.Value(key{}) != "value" || got.Err() != nil {
		t.Errorf("%v", got)
	}
	if cancel(errors.New("gone")); context.Cause(got) == nil || context.Cause(got).Error() != "gone" {
		t.Errorf("cause %v", context.Cause(got))
	}
	document, err := json.Marshal(info)
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{string(document)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, info), fmt.Sprintf(verb, info.Extra), fmt.Sprintf(verb, got))
	}
	for _, text := range texts {
		if strings.Contains(text, "secret-token") || strings.Contains(text, hex.EncodeToString([]byte("secret-token"))) {
			t.Errorf("the token is printed: %s", text)
		}
	}
}

// A preflight that the guard passes does not carry a token to the handler.
func TestPreflightsCarryNoToken(t *testing.T) {
	guard := newGuard(t, func(c *bearer.Config) { c.InsecurePassPreflights = true })
	endpoint, err := bearermcp.New(bearermcp.Config{Guard: guard, Metadata: newMetadata(t, issuer), Rule: scope.None})
	if err != nil {
		t.Fatal(err)
	}
	var got http.Header
	h := endpoint.Protect(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r.Header
		if info := auth.TokenInfoFromContext(r.Context()); info != nil {
			t.Errorf("unexpected token info: %+v", info)
		}
	}))
	r := httptest.NewRequest(http.MethodOptions, "/mcp", nil)
	for name, value := range map[string]string{
		"Origin": "https://app.example", "Access-Control-Request-Method": "POST", "Authorization": "Bearer token", "DPoP": "proof",
	} {
		r.Header.Set(name, value)
	}
	h.ServeHTTP(httptest.NewRecorder(), r)
	if got == nil || got["Authorization"] != nil || got["Dpop"] != nil || got.Get("Origin") == "" {
		t.Errorf("the handler received %v", got)
	}
}

func TestFromRequestWithoutAGuard(t *testing.T) {
	for _, r := range []*mcp.CallToolRequest{{}, {Extra: &mcp.RequestExtra{}}} {
		if p, ok := bearermcp.FromRequest(r); ok {
			t.Errorf("got %+v", p)
		}
	}
}

// The verifier's leeway applies, although the SDK's own check has none.
func TestLeeway(t *testing.T) {
	s := newServer(t, settings{stateless: true, leeway: time.Minute})
	expired := s.issuer.Mint(bearertest.Token{Scope: "mcp:use", Audience: []string{s.url}, TTL: -10 * time.Second})
	if got := s.post(t, expired, toolCall("read")); got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// A DPoP proof is valid for one request (RFC 9449, Section 11.1). Choosing the
// route of a tool does not use it up.
func TestBoundTokens(t *testing.T) {
	s := newServer(t, settings{stateless: true, guard: func(origin string, c *bearer.Config) {
		checker, err := dpop.New(dpop.Config{Origin: origin})
		if err != nil {
			t.Fatal(err)
		}
		c.Proofs = checker
	}})
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	thumbprint, err := dpop.Thumbprint(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	token := s.issuer.Mint(bearertest.Token{
		Scope: "mcp:use files:write", Audience: []string{s.url},
		Claims: map[string]any{"cnf": map[string]string{"jkt": thumbprint}},
	})
	proof, err := dpop.NewProof(dpop.ProofConfig{Key: key, Algorithm: "ES256", Method: http.MethodPost, URL: s.url, AccessToken: token})
	if err != nil {
		t.Fatal(err)
	}
	for _, status := range []int{200, 401} {
		got := do(t, http.MethodPost, s.url, toolCall("write"), "Authorization", "DPoP "+token, "DPoP", proof)
		if got.status != status {
			t.Errorf("%d %s, want %d", got.status, got.body, status)
		}
	}
	calls := s.seen()
	if len(calls) != 1 || calls[0].authorization != nil || calls[0].proofWasCarried || calls[0].request.TokenType != "DPoP" {
		t.Errorf("calls %+v, want one, under DPoP, without token and proof", calls)
	}
	if got := s.post(t, token, toolCall("write")); got.status != 401 {
		t.Errorf("as Bearer: %d %s", got.status, got.body)
	}
}

// The SDK's client works, with a session and its open stream, and without.
func TestClient(t *testing.T) {
	for _, stateless := range []bool{false, true} {
		s := newServer(t, settings{stateless: stateless})
		token := s.mint("mcp:use files:write")
		transport := &mcp.StreamableClientTransport{Endpoint: s.url, HTTPClient: &http.Client{
			Transport: bearing(token),
		}}
		session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), transport, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, tool := range []string{"read", "write", "wipe"} {
			result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool})
			if ran := err == nil && !result.IsError; ran != (tool != "wipe") {
				t.Errorf("stateless %v, %s: %v, %v", stateless, tool, result, err)
			}
		}
		if calls := s.seen(); len(calls) != 2 {
			t.Errorf("stateless %v: calls %+v", stateless, calls)
		}
		_ = session.Close() // the SDK abandons a session after a 403
	}
}

// bearing is a transport that sends a token with each request.
type bearing string

func (token bearing) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(token))
	return http.DefaultTransport.RoundTrip(r)
}

package bearermcp_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearermcp"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/resource"
	"github.com/bearerkit/bearerkit/scope"
)

// The complete answers of an endpoint.
func TestAnswers(t *testing.T) {
	s := newServer(t, settings{stateless: true})
	const (
		missing = `{"status":401,"error_description":"The request carries no access token.","request_id":"id"}` + "\n"
		invalid = `{"status":401,"error":"invalid_token","error_description":"The access token is invalid.","request_id":"id"}` + "\n"

		challenged  = `Bearer realm="mcp", scope="mcp:use", resource_metadata="{metadata}"`
		challenge   = `Bearer realm="mcp", error="invalid_token", error_description="The access token is invalid.", scope="{scope}", resource_metadata="{metadata}"`
		lacks       = `Bearer realm="mcp", error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", scope="{scope}", resource_metadata="{metadata}"`
		lacksBody   = `{"status":403,"error":"insufficient_scope","error_description":"The access token lacks a scope that the request needs.","scope":"{scope}","request_id":"id"}` + "\n"
		expired     = `Bearer realm="mcp", error="invalid_token", error_description="The access token has expired.", scope="mcp:use", resource_metadata="{metadata}"`
		expiredBody = `{"status":401,"error":"invalid_token","error_description":"The access token has expired.","request_id":"id"}` + "\n"
		malformed   = `Bearer realm="mcp", error="invalid_request", error_description="The request must carry one well-formed access token, in one way.", resource_metadata="{metadata}"`
		malBody     = `{"status":400,"error":"invalid_request","error_description":"The request must carry one well-formed access token, in one way.","request_id":"id"}` + "\n"
	)
	scoped := func(text, scopes string) string { return strings.ReplaceAll(text, "{scope}", scopes) }
	elsewhere := s.issuer.Mint(bearertest.Token{Scope: "mcp:use", Audience: []string{s.origin + "/other"}})
	old := s.issuer.Mint(bearertest.Token{Scope: "mcp:use", Audience: []string{s.url}, TTL: -time.Minute})
	bound := s.issuer.Mint(bearertest.Token{Scope: "mcp:use", Audience: []string{s.url}, Claims: map[string]any{"cnf": map[string]string{"jkt": "x"}}})

	tests := []struct {
		name          string
		query         string
		token         string
		body          string
		header        []string
		status        int
		challenge     string
		answered      string // the whole body of a refusal
		tool          string // the one that ran
		authorization string // of the request
	}{
		// "MCP servers MUST use [...] the resource metadata URL in the
		// WWW-Authenticate header [...] when returning a 401 Unauthorized"
		// (MCP2); "MCP servers SHOULD include a scope parameter in the
		// WWW-Authenticate header" (MCP5, C5).
		{name: "MCP2, MCP5, C5: no token", body: initialize, status: 401, challenge: challenged, answered: missing},
		{name: "MCP5: no token, a tool that needs more", body: toolCall("write"), status: 401, challenge: challenged, answered: missing},
		{name: "MCP4: another scheme", body: initialize, header: []string{"Authorization", "Basic YTpi"}, status: 401, challenge: challenged, answered: missing},

		// "Invalid or expired tokens MUST receive a HTTP 401 response" (MCP4).
		{name: "MCP4: not a token", token: "junk", body: initialize, status: 401, challenge: scoped(challenge, "mcp:use"), answered: invalid},
		{name: "MCP4: expired", token: old, body: initialize, status: 401, challenge: expired, answered: expiredBody},
		{name: "MCP4: malformed is 400", body: initialize, header: []string{"Authorization", "Bearer"}, status: 400, challenge: malformed, answered: malBody},
		{name: "MCP4: two tokens are 400", token: s.mint("mcp:use"), body: initialize, header: []string{"Authorization", "Bearer x"}, status: 400, challenge: malformed, answered: malBody},

		// "MCP servers MUST validate that access tokens were issued specifically
		// for them as the intended audience" (MCP3). The verifier accepts both
		// audiences, so the endpoint must tell them apart.
		{name: "MCP3: for another resource", token: elsewhere, body: initialize, status: 401, challenge: scoped(challenge, "mcp:use"), answered: invalid},
		{name: "MCP3: for another resource, a tool", token: elsewhere, body: toolCall("write"), status: 401, challenge: scoped(challenge, "mcp:use"), answered: invalid}, // reports V9: no body is read
		{name: "C10: bound to a key", token: bound, body: initialize, status: 401, challenge: scoped(challenge, "mcp:use"), answered: invalid},

		// "the server SHOULD respond with HTTP 403 Forbidden [...] scope: [...]
		// all scopes needed for the current operation in a single challenge"
		// (MCP6).
		{name: "MCP6: the endpoint", token: s.mint("files:write"), body: initialize, status: 403, challenge: scoped(lacks, "mcp:use"), answered: scoped(lacksBody, "mcp:use")},
		{name: "MCP6: a tool", token: s.mint("mcp:use"), body: toolCall("write"), status: 403, challenge: scoped(lacks, "files:write mcp:use"), answered: scoped(lacksBody, "files:write mcp:use")},
		{name: "MCP6: a tool that needs two more", token: s.mint("mcp:use files:write"), body: toolCall("wipe"), status: 403, challenge: scoped(lacks, "files:wipe files:write mcp:use"), answered: scoped(lacksBody, "files:wipe files:write mcp:use")},
		{name: "MCP6: neither the endpoint nor the tool", token: s.mint("other"), body: toolCall("write"), status: 403, challenge: scoped(lacks, "files:write mcp:use"), answered: scoped(lacksBody, "files:write mcp:use")},

		{name: "a tool that needs no more", token: s.mint("mcp:use"), body: toolCall("read"), status: 200, tool: "read"},
		{name: "enough for the tool", token: s.mint("mcp:use files:write"), body: toolCall("write"), status: 200, tool: "write"},
		{name: "the tool's name, escaped", token: s.mint("mcp:use"), body: toolCall(`\u0077rite`), status: 403, challenge: scoped(lacks, "files:write mcp:use"), answered: scoped(lacksBody, "files:write mcp:use")},

		// "MCP servers MUST account for scope hierarchies" (MCP8).
		{name: "MCP8: a broader scope", token: s.mint("files:admin"), body: toolCall("wipe"), status: 200, tool: "wipe"},
		{name: "MCP8: a scope with the same prefix", token: s.mint("mcp:use files:writer"), body: toolCall("write"), status: 403, challenge: scoped(lacks, "files:write mcp:use"), answered: scoped(lacksBody, "files:write mcp:use")},

		// "Access tokens MUST NOT be included in the URI query string" (MCP9).
		{name: "MCP9: a token in the query", query: "?access_token=" + s.mint("mcp:use"), body: toolCall("read"), status: 401, challenge: challenged, answered: missing},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.token != "" {
				tt.header = append(tt.header, "Authorization", "Bearer "+tt.token)
			}
			got := do(t, http.MethodPost, s.url+tt.query, tt.body, tt.header...)
			var want []string
			if tt.challenge != "" {
				want = []string{s.with(tt.challenge)}
			}
			if got.status != tt.status || strings.Join(got.header["Www-Authenticate"], "|") != strings.Join(want, "|") {
				t.Errorf("%d %q, want %d %q", got.status, got.header["Www-Authenticate"], tt.status, want)
			}
			calls := s.seen()
			if tt.status != 200 {
				if got.body != tt.answered || got.header.Get("Cache-Control") != "no-store" || len(calls) > 0 {
					t.Errorf("body %q, Cache-Control %q, calls %v; want %q", got.body, got.header["Cache-Control"], calls, tt.answered)
				}
				if tt.token != "" && strings.Contains(got.body, tt.token) {
					t.Error("the answer contains the token")
				}
				return
			}
			if len(calls) != 1 || calls[0].tool != tt.tool || !strings.Contains(got.body, `"done"`) {
				t.Errorf("calls %v, body %s; want one of %s", calls, got.body, tt.tool)
			}
		})
	}
}

// "MCP servers MUST implement OAuth 2.0 Protected Resource Metadata", "the
// document MUST include the authorization_servers field containing at least one
// authorization server" (MCP1), at the path form and at the root (MCP2, P2, P5).
func TestMetadataIsServed(t *testing.T) {
	s := newServer(t, settings{})
	want := `{"resource":"` + s.url + `","authorization_servers":["` + s.issuer.URL() + `"],"bearer_methods_supported":["header"]}` + "\n"
	for _, path := range []string{resource.WellKnownPath + "/mcp", resource.WellKnownPath} {
		got := do(t, http.MethodGet, s.origin+path, "")
		if got.status != 200 || got.body != want || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s, want %s", path, got.status, got.body, want)
		}
	}
	if s.metadata != s.origin+resource.WellKnownPath+"/mcp" {
		t.Errorf("challenges name %s", s.metadata)
	}
}

// During an outage the answer is 503, so clients keep their tokens (C7).
func TestOutage(t *testing.T) {
	s := newServer(t, settings{stateless: true, issuerDown: true})
	token := s.mint("mcp:use files:write")
	for _, body := range []string{initialize, toolCall("write"), toolCall("read")} {
		got := s.post(t, token, body)
		const want = `{"status":503,"error_description":"The access token cannot be checked at the moment.","request_id":"id"}` + "\n"
		if got.status != 503 || got.header.Get("Retry-After") == "" || got.header["Www-Authenticate"] != nil || got.body != want {
			t.Errorf("%d %v %s, want 503 %s", got.status, got.header, got.body, want)
		}
	}
	if err := s.issuer.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for s.post(t, token, toolCall("write")).status != 200 {
		if time.Now().After(deadline) {
			t.Fatal("no recovery after the issuer has recovered")
		}
		<-tick.C
	}
}

// Another reader could find another call in a body that is not one strict message,
// so no tool receives it. Only a caller with a valid token and scope gets the 400.
func TestBodies(t *testing.T) {
	s := newServer(t, settings{stateless: true, endpoint: func(c *bearermcp.Config) { c.MaxBody = 512 }})
	long := `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"read","arguments":{"x":"` + strings.Repeat("x", 512) + `"}}}`
	tests := []struct {
		name, body string
		status     int
	}{
		{"duplicate method", `{"jsonrpc":"2.0","id":2,"method":"ping","method":"tools/call","params":{"name":"write"}}`, 400},
		{"duplicate params", `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"read"},"params":{"name":"write"}}`, 400},
		{"duplicate name", `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"read","name":"write"}}`, 400},
		{"a batch", "[" + toolCall("write") + "]", 400},
		{"two messages", toolCall("read") + toolCall("write"), 400},
		{"invalid UTF-8", toolCall("read\xff"), 400},
		{"a byte order mark", "\ufeff" + toolCall("write"), 400},
		{"not JSON", "junk", 400},
		{"empty", "", 400},
		{"null", "null", 400},
		{"a method that is not a string", `{"jsonrpc":"2.0","id":2,"method":["tools/call"],"params":{"name":"write"}}`, 400},
		{"a name that is not a string", `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":["write"]}}`, 400},
		{"no params", `{"jsonrpc":"2.0","id":2,"method":"tools/call"}`, 400},
		{"names in another case, which the SDK reads as a response", `{"jsonrpc":"2.0","id":2,"Method":"tools/call","Params":{"Name":"write"}}`, 202},
		{"too long", long, 413},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := s.post(t, s.mint("mcp:use"), tt.body); got.status != tt.status {
				t.Errorf("%d %s, want %d", got.status, got.body, tt.status)
			}
			if got := s.post(t, s.mint("other"), tt.body); got.status != 403 {
				t.Errorf("without the endpoint's scope: %d %s, want 403", got.status, got.body)
			}
			if got := s.post(t, "", tt.body); got.status != 401 {
				t.Errorf("without a token: %d %s, want 401", got.status, got.body)
			}
			if calls := s.seen(); len(calls) > 0 {
				t.Errorf("calls %v", calls)
			}
		})
	}
	t.Run("the longest", func(t *testing.T) {
		body := toolCall("read")
		body += strings.Repeat(" ", 512-len(body))
		if got := s.post(t, s.mint("mcp:use"), body); got.status != 200 {
			t.Errorf("%d %s", got.status, got.body)
		}
	})
}

// The endpoint also answers 413 for a limit that outer middleware sets.
func TestOuterBodyLimit(t *testing.T) {
	s := newServer(t, settings{stateless: true, outside: func(next http.Handler) http.Handler { return http.MaxBytesHandler(next, 64) }})
	for token, status := range map[string]int{s.mint("mcp:use"): 413, s.mint("other"): 403, "": 401} {
		if got := s.post(t, token, toolCall("write")); got.status != status {
			t.Errorf("%d %s, want %d", got.status, got.body, status)
		}
	}
	if calls := s.seen(); len(calls) > 0 {
		t.Errorf("calls %v", calls)
	}
}

// However a call is sent, a tool does not run if its scopes are missing. Only the
// body names the tool.
func TestWaysToSendACall(t *testing.T) {
	s := newServer(t, settings{stateless: true})
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(w, toolCall("write"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	const write = `"method":"tools/call","params":{"name":"write","arguments":{},"_meta":{` +
		`"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"a","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}`
	read := strings.ReplaceAll(write, `"write"`, `"read"`)
	version := func(version string, more ...string) []string { return append(more, "Mcp-Protocol-Version", version) }
	latest := version("2026-07-28", "Mcp-Method", "tools/call")
	tests := []struct {
		name, method, body string
		header             []string
		less, enough       int // with too little scope, and with enough
		tool               string
	}{
		{"compressed", "POST", zipped.String(), []string{"Content-Encoding", "gzip"}, 400, 400, ""},
		{"wrongly declared as compressed", "POST", toolCall("write"), []string{"Content-Encoding", "gzip"}, 403, 200, "write"},
		{"another media type", "POST", toolCall("write"), []string{"Content-Type", "text/plain"}, 403, 415, ""},
		{"an escaped method", "POST", strings.Replace(toolCall("write"), "tools/call", `\u0074ools\/call`, 1), nil, 403, 200, "write"},
		{"escaped members", "POST", strings.NewReplacer(`"method"`, `"m\u0065thod"`, `"name"`, `"n\u0061me"`).Replace(toolCall("write")), nil, 403, 200, "write"},
		{"a method in another case", "POST", strings.Replace(toolCall("write"), "tools/call", "Tools/Call", 1), nil, 400, 400, ""},
		{"a tool in another case", "POST", toolCall("Write"), nil, 200, 200, ""},
		{"a notification", "POST", `{"jsonrpc":"2.0","method":"tools/call","params":{"name":"write","arguments":{}}}`, nil, 403, 400, ""},
		{"an overridden method", "POST", toolCall("write"), []string{"X-HTTP-Method-Override", "GET"}, 403, 200, "write"},
		{"GET", "GET", toolCall("write"), nil, 405, 405, ""},
		{"DELETE", "DELETE", toolCall("write"), nil, 405, 405, ""},
		{"post in lower case", "post", toolCall("write"), nil, 405, 405, ""},
		{"version 2025-03-26", "POST", toolCall("write"), version("2025-03-26"), 403, 200, "write"},
		{"an unknown version", "POST", toolCall("write"), version("2999-01-01"), 403, 400, ""},
		{"version 2026-07-28", "POST", `{"jsonrpc":"2.0","id":1,` + write, append(latest, "Mcp-Name", "write"), 403, 200, "write"},
		{"the header names a tool that needs less", "POST", `{"jsonrpc":"2.0","id":1,` + write, append(latest, "Mcp-Name", "read"), 403, 400, ""},
		{"the header names a tool that needs more", "POST", `{"jsonrpc":"2.0","id":1,` + read, append(latest, "Mcp-Name", "write"), 400, 400, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for token, status := range map[string]int{"": 401, s.mint("mcp:use"): tt.less, s.mint("mcp:use files:write"): tt.enough} {
				header := slices.Clone(tt.header)
				if token != "" {
					header = append(header, "Authorization", "Bearer "+token)
				}
				got := do(t, tt.method, s.url, tt.body, header...)
				if got.status != status {
					t.Errorf("%d %s, want %d", got.status, got.body, status)
				}
				calls := s.seen()
				if ran := len(calls) == 1 && calls[0].tool == tt.tool; ran != (status == 200 && tt.tool != "") || len(calls) > 1 {
					t.Errorf("%d: calls %v", status, calls)
				}
			}
		})
	}
}

// Whatever the message is, a tool does not run if its scopes are missing: endpoint
// and SDK read the same tool in it.
func FuzzMessages(f *testing.F) {
	s := newServer(f, settings{stateless: true})
	token := s.mint("mcp:use")
	f.Add(toolCall("write"))
	f.Add(toolCall("read"))
	f.Add("[" + toolCall("write") + "]")
	f.Add(toolCall("read") + toolCall("write"))
	f.Add(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"read","Name":"write","arguments":{}}}`)
	f.Add(`{"jsonrpc":"2.0","id":2,"method":"tools\/call","params":{"name":"\u0077rite"}}`)
	f.Add(`{"jsonrpc":"2.0","id":2,"method":"tools/call","METHOD":"ping","params":{"name":"read"},"params ":{"name":"write"}}`)
	f.Fuzz(func(t *testing.T, body string) {
		for _, version := range []string{"2025-03-26", "2025-06-18"} { // the first knows batches
			got := do(t, http.MethodPost, s.url, body, "Authorization", "Bearer "+token, "Mcp-Protocol-Version", version)
			for _, c := range s.seen() {
				if c.tool != "read" {
					t.Errorf("%s ran for %q: %d %s", c.tool, body, got.status, got.body)
				}
			}
		}
	})
}

// Without Tools the endpoint reads no body; the SDK judges batches.
func TestWithoutToolsBodiesAreLeftAlone(t *testing.T) {
	s := newServer(t, settings{stateless: true, endpoint: func(c *bearermcp.Config) { c.Tools, c.Rule = nil, scope.None }})
	if got := s.post(t, s.mint(""), toolCall("wipe")); got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := s.post(t, s.mint(""), "junk"); got.status != 400 || !strings.Contains(got.body, "malformed payload") {
		t.Errorf("%d %s, want the SDK's 400", got.status, got.body)
	}
}

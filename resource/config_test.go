package resource_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/resource"
	"github.com/bearerkit/bearerkit/scope"
)

func newMetadata(t testing.TB, c resource.Config) *resource.Metadata {
	t.Helper()
	m, err := resource.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// RFC 9728, Section 1.2: "a protected resource's resource identifier [...] is
// a URL that uses the https scheme and has no fragment component" (checklist
// P1, C11).
func TestP1ResourceIdentifier(t *testing.T) {
	tests := []struct {
		name, resource string
		want           string // of the error; empty: taken
	}{
		{"https", "https://api.example.com", ""},
		{"with a path", "https://api.example.com/v1/orders", ""},
		{"with a slash at the end", "https://api.example.com/v1/", ""},
		{"with an encoded slash", "https://api.example.com/a%2Fb", ""},
		{"with a port", "https://api.example.com:8443", ""},
		{"http on localhost", "http://localhost:8080/mcp", ""},
		{"http on IPv4 loopback", "http://127.0.0.1:8080", ""},
		{"http on IPv6 loopback", "http://[::1]:8080", ""},

		{"none", "", "empty"},
		{"http under localhost", "http://api.localhost", "want https"}, // Reports G9
		{"http elsewhere", "http://api.example.com", "want https"},
		{"no scheme", "api.example.com", "not absolute"},
		{"another scheme", "urn:example:api", "want https"},
		{"no host", "https:///v1", "no host"},
		{"a fragment", "https://api.example.com#v1", "fragment"},
		{"an empty fragment", "https://api.example.com#", "fragment"},
		{"a query", "https://api.example.com?tenant=1", "query"},
		{"an empty query", "https://api.example.com/v1?", "query"},
		{"userinfo", "https://user:secret@api.example.com", "userinfo"},
		{"a port out of range", "https://api.example.com:70000", "port"},
		{"the default port", "https://api.example.com:443/v1", "default"},
		{"the default port of http", "http://localhost:80", "default"},
		{"a dot segment", "https://api.example.com/a/../b", "clients and routers"},
		{"an encoded dot segment", "https://api.example.com/%2e/b", "clients and routers"},
		{"an empty segment", "https://api.example.com//v1", "clients and routers"},
		{"two slashes at the end", "https://api.example.com/v1//", "clients and routers"},
		{"a space", "https://api.example.com/a b", "' '"},
		{"a quote", `https://api.example.com/"`, "'\"'"},
		{"a backslash", `https://api.example.com\v1`, `'\\'`},
		{"a letter outside ASCII", "https://api.example.com/é", "'é'"},
		{"a host outside ASCII", "https://bücher.example", "xn--"},
		{"invalid UTF-8", "https://api.example.com/\xff", "percent-encode it"},
		{"a line break", "https://api.example.com/\r\nX: y", `'\r'`},
		{"a bad escape", "https://api.example.com/%zz", "parsed"},
		{"the metadata's own URL", "https://api.example.com/.well-known/oauth-protected-resource", "metadata"},
		{"a metadata URL with a path", "https://api.example.com/.well-known/oauth-protected-resource/v1", "metadata"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := resource.New(resource.Config{Resource: tt.resource})
			if tt.want == "" {
				if err != nil || m.Resource() != tt.resource {
					t.Errorf("got %v, want the identifier unchanged", err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), "resource: Config.Resource: ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error shows a password: %v", err)
			}
		})
	}
}

func TestInsecureAllowHTTP(t *testing.T) {
	c := resource.Config{Resource: "http://api.internal", AuthorizationServers: []string{"http://login.internal"}, JWKSURI: "http://api.internal/keys"}
	if _, err := resource.New(c); err == nil || strings.Count(err.Error(), "want https") != 3 {
		t.Errorf("got %v, want three refusals", err)
	}
	c.InsecureAllowHTTP = true
	newMetadata(t, c)
}

// "Implementations SHOULD accept uppercase scheme and host components for
// robustness" (MCP authorization; checklist MCP10). Clients request and compare
// identifiers in the spelling of their URL parser.
func TestMCP10UpperCaseIsPublishedInLower(t *testing.T) {
	m := newMetadata(t, resource.Config{Resource: "HTTPS://API.Example.COM:8443/MCP"})
	const want = "https://api.example.com:8443/MCP"
	if m.Resource() != want || m.URL() != "https://api.example.com:8443/.well-known/oauth-protected-resource/MCP" {
		t.Errorf("got %s at %s", m.Resource(), m.URL())
	}
	if got := get(m, m.Path()).Body.String(); !strings.Contains(got, `"resource":"`+want+`"`) {
		t.Errorf("got %s", got)
	}
}

// MCP authorization: offline_access SHOULD NOT be in scopes_supported
// (checklist MCP7).
func TestMCP7OfflineAccessIsRefused(t *testing.T) {
	for name, c := range map[string]resource.Config{
		"of Scopes": {Scopes: scope.Of("orders:read", "offline_access")},
		"of Rules":  {Rules: []scope.Rule{scope.All("orders:read").Or(scope.Any("admin", "offline_access"))}},
	} {
		c.Resource = "https://api.example.com"
		if _, err := resource.New(c); err == nil || !strings.Contains(err.Error(), `"offline_access"`) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestScopesOfRules(t *testing.T) {
	m := newMetadata(t, resource.Config{
		Resource: "https://api.example.com",
		Rules:    []scope.Rule{scope.None, scope.All("orders:read"), scope.Any("reports:read", "admin").And(scope.All("orders:read"))},
		Scopes:   scope.Of("profile"),
	})
	const want = `"scopes_supported":["admin","orders:read","profile","reports:read"]`
	if got := get(m, m.Path()).Body.String(); !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNewReportsAllMistakesAtOnce(t *testing.T) {
	_, err := resource.New(resource.Config{
		Resource: "ftp://api.example.com",
		AuthorizationServers: []string{
			"https://login.example.com", "https://login.example.com", "https://login.example.com?tenant=1", "login", "https://a\xff",
		},
		Rules:                     []scope.Rule{scope.All(), scope.All("a")},
		BearerMethods:             []string{"header", "cookie", "header"},
		Name:                      "\xff",
		NameByLanguage:            map[string]string{"de": "", "d e": "Bestellungen", "fr": "\xff"},
		Documentation:             "docs.html",
		PolicyURI:                 "javascript:alert(1)",
		TOSURI:                    "https://example.com/a b",
		JWKSURI:                   "http://api.example.com/keys",
		SigningAlgorithms:         []string{"None", ""},
		AuthorizationDetailsTypes: []string{""},
		DPoPAlgorithms:            []string{"none", "HS256"},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`Config.Resource: the URL "ftp://api.example.com" has the scheme "ftp"`,
		`Config.AuthorizationServers[1]: duplicate value "https://login.example.com"`,
		`Config.AuthorizationServers[2]: the URL "https://login.example.com" has a query`,
		`Config.AuthorizationServers[3]: the URL "login" is not absolute`,
		`Config.AuthorizationServers[4]: the URL has the character`,
		`Config.Rules[0]: scope.All: no names`,
		`Config.BearerMethods[1] is "cookie"; want header, body or query`,
		`Config.BearerMethods[2]: duplicate value "header"`,
		`Config.Name "\xff"`,
		`Config.NameByLanguage["d e"]: want a language tag`,
		`Config.NameByLanguage["de"] is ""`,
		`Config.NameByLanguage["fr"] is "\xff"`,
		`Config.Documentation "docs.html"`,
		`Config.PolicyURI "javascript:"`,
		`Config.TOSURI "https://example.com/a%20b"`,
		`Config.JWKSURI: the URL "http://api.example.com/keys" has the scheme "http"`,
		`Config.SigningAlgorithms[0] is "None"`,
		`Config.SigningAlgorithms[1] is ""`,
		`Config.AuthorizationDetailsTypes[0] is ""`,
		`Config.DPoPAlgorithms[0] is "none"`,
		`Config.DPoPAlgorithms[1] is "HS256"; want the name of an asymmetric`,
	} {
		if !strings.Contains(err.Error(), "resource: "+want) {
			t.Errorf("the error lacks %s", want)
		}
	}
	if t.Failed() {
		t.Log(err)
	}
	if _, err := resource.New(resource.Config{Resource: "https://a.example", DPoPRequired: true}); err == nil || !strings.Contains(err.Error(), "DPoPAlgorithms") {
		t.Errorf("DPoPRequired alone: %v", err)
	}
}

func TestMaxAge(t *testing.T) {
	for _, tt := range []struct {
		age  time.Duration
		want string
	}{
		{0, "public, max-age=3600"},
		{time.Minute, "public, max-age=60"},
		{1500 * time.Millisecond, "public, max-age=2"},
		{time.Nanosecond, "public, max-age=1"},
		{-1, "no-cache"},
	} {
		m := newMetadata(t, resource.Config{Resource: "https://api.example.com", MaxAge: tt.age})
		if got := get(m, m.Path()).Header().Get("Cache-Control"); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.age, got, tt.want)
		}
	}
}

// Metadata does not change if the program changes its Config later.
func TestNewKeepsNothingOfTheConfig(t *testing.T) {
	c := resource.Config{Resource: "https://api.example.com", AuthorizationServers: []string{"https://login.example.com"}, NameByLanguage: map[string]string{"de": "Laden"}}
	m := newMetadata(t, c)
	before := get(m, m.Path()).Body.String()
	c.AuthorizationServers[0] = "https://evil.example"
	c.NameByLanguage["de"] = "x"
	if after := get(m, m.Path()).Body.String(); after != before {
		t.Errorf("got %s, want %s", after, before)
	}
}

package discovery_test

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/internal/discovery"
)

// forClient is a document with the endpoints of a client, and more members.
func forClient(issuer, more string) answer {
	return answer{status: 200, body: fmt.Sprintf(`{"issuer":%q,"authorization_endpoint":%q,"token_endpoint":%q%s}`, issuer, issuer+"/authorize", issuer+"/token", more)}
}

// MCP 2025-11-25, "Authorization Server Metadata Discovery": the order for issuers
// with a path differs from that of a resource server.
func TestFindForClientTriesTheURLsInTheOrderOfMCP(t *testing.T) {
	s := &server{}
	if _, err := discovery.FindForClient(t.Context(), s.client(), issuer+"/tenant1"); err == nil {
		t.Fatal("found metadata where there is none")
	}
	want := []string{
		issuer + "/.well-known/oauth-authorization-server/tenant1",
		issuer + "/.well-known/openid-configuration/tenant1",
		issuer + "/tenant1/.well-known/openid-configuration",
	}
	if !slices.Equal(s.asked, want) {
		t.Errorf("requests of %q, want %q", s.asked, want)
	}
}

// RFC 8414, Section 3.3: the issuer is compared by code points. Endpoints that the
// browser or the client would open must be https.
func TestFindForClient(t *testing.T) {
	for _, tt := range []struct {
		name, body, fault string
	}{
		{"all members", forClient(issuer, `,"registration_endpoint":"`+issuer+`/register"`).body, ""},
		{"unknown and malformed members", forClient(issuer, `,"scopes_supported":"a","token_endpoint_auth_methods_supported":[1],"client_id_metadata_document_supported":"yes"`).body, ""},
		{"another issuer", forClient("https://evil.example.com", "").body, `its issuer is "https://evil.example.com"`},
		{"no token_endpoint", `{"issuer":"` + issuer + `"}`, "no token_endpoint"},
		{"token_endpoint by http", `{"issuer":"` + issuer + `","token_endpoint":"http://login.example.com/token"}`, "token_endpoint: "},
		{"authorization_endpoint is a script", `{"issuer":"` + issuer + `","token_endpoint":"` + issuer + `/token","authorization_endpoint":"javascript:alert(1)"}`, "authorization_endpoint: "},
		{"registration_endpoint is a file", forClient(issuer, `,"registration_endpoint":"file:///etc/passwd"`).body, "registration_endpoint: "},
		{"the endpoint on loopback of a server that is not", `{"issuer":"` + issuer + `","token_endpoint":"http://127.0.0.1/token"}`, "want https"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &server{answers: map[string]answer{first: {status: 200, body: tt.body}}}
			m, err := discovery.FindForClient(t.Context(), s.client(), issuer)
			switch {
			case tt.fault == "" && (err != nil || m.TokenEndpoint != issuer+"/token"):
				t.Errorf("got %+v, %v", m, err)
			case tt.fault != "" && (err == nil || !strings.Contains(err.Error(), tt.fault)):
				t.Errorf("error %v, want one with %q", err, tt.fault)
			}
		})
	}
}

// RFC 9207, Section 3: a malformed member does not switch the check of iss off.
func TestIssInAnswer(t *testing.T) {
	for value, want := range map[string]bool{"true": true, "false": false, "null": false, `"true"`: true, "1": true, "[]": true} {
		m, err := discovery.Parse([]byte(`{"issuer":"`+issuer+`","authorization_response_iss_parameter_supported":`+value+`}`), issuer)
		if err != nil || m.IssInAnswer != want {
			t.Errorf("%s: %t, %v, want %t", value, m.IssInAnswer, err, want)
		}
	}
}

// MCP 2025-03-26: the document at the API's origin may name any issuer there.
func TestFindAtOrigin(t *testing.T) {
	for named, ok := range map[string]bool{issuer: true, issuer + "/oauth": true, "https://evil.example.com": false, issuer + ".evil.example.com": false, issuer + ":8443": false, "http://login.example.com": false} {
		s := &server{answers: map[string]answer{first: forClient(named, "")}}
		m, err := discovery.FindAtOrigin(t.Context(), s.client(), issuer)
		if (err == nil) != ok {
			t.Errorf("issuer %q: %+v, %v, want accepted %t", named, m, err, ok)
		}
	}
	_, err := discovery.FindAtOrigin(t.Context(), (&server{}).client(), issuer)
	if missing, ok := errors.AsType[*discovery.Error](err); !ok || !missing.NotFound() {
		t.Errorf("without a document: %v, want not found", err)
	}
}

// The document at the API's origin is checked as any other.
func TestFindAtOriginChecks(t *testing.T) {
	for _, tt := range []struct {
		answer  answer
		missing bool
	}{
		{answer{status: 200, body: "<html>"}, false},
		{answer{status: 200, body: `{"issuer":"` + issuer + `"}`}, false},
		{answer{status: 200, body: `{"issuer":"://","token_endpoint":"` + issuer + `/token"}`}, false},
		{answer{status: 200, body: `{"issuer":"` + issuer + `","token_endpoint":"http://evil.example.com/token"}`}, false},
		{answer{status: 200, body: `{"issuer":"` + issuer + `","token_endpoint":"` + issuer + `/token","authorization_endpoint":"javascript:alert(1)"}`}, false},
		{answer{status: 503}, false},
		{answer{status: 404}, true},
	} {
		_, err := discovery.FindAtOrigin(t.Context(), (&server{answers: map[string]answer{first: tt.answer}}).client(), issuer)
		if failed, ok := errors.AsType[*discovery.Error](err); !ok || failed.NotFound() != tt.missing {
			t.Errorf("%+v: %v, want not found %t", tt.answer, err, tt.missing)
		}
	}
}

// A status that asks the client to come back does not say that there is no document.
func TestNotFound(t *testing.T) {
	for status, want := range map[int]bool{
		399: false, 400: true, 401: true, 403: true, 404: true, 405: true, 408: false, 410: true, 425: false, 429: false, 499: true, 500: false, 503: false,
	} {
		_, err := discovery.FindForClient(t.Context(), (&server{answers: map[string]answer{first: {status: status}, second: {status: 404}}}).client(), issuer)
		if failed, ok := errors.AsType[*discovery.Error](err); !ok || failed.NotFound() != want {
			t.Errorf("%d: %v, want not found %t", status, err, want)
		}
	}
	if new(discovery.Error).NotFound() {
		t.Error("not found without a request")
	}
}

// A list with one malformed element is ignored as a whole.
func TestMalformedLists(t *testing.T) {
	m, err := discovery.Parse([]byte(`{"issuer":"`+issuer+`","code_challenge_methods_supported":["S256",1],"token_endpoint_auth_methods_supported":["none"],"scopes_supported":null}`), issuer)
	if err != nil || m.ChallengeMethods != nil || !slices.Equal(m.TokenAuthMethods, []string{"none"}) || m.ScopesSupported != nil {
		t.Errorf("%+v, %v", m, err)
	}
}

// RFC 9728, Section 3.1, and MCP 2025-11-25: the well-known URLs and their order.
func TestProtectedURLs(t *testing.T) {
	const wellKnown = "https://api.example.com/.well-known/oauth-protected-resource"
	for resource, want := range map[string][]string{
		"https://api.example.com":         {wellKnown},
		"https://api.example.com/":        {wellKnown},
		"https://api.example.com/mcp":     {wellKnown + "/mcp", wellKnown},
		"https://api.example.com/a%2Fb/":  {wellKnown + "/a%2Fb/", wellKnown},
		"https://api.example.com/mcp?a=b": {wellKnown + "/mcp?a=b", wellKnown},
	} {
		u, err := url.Parse(resource)
		if err != nil {
			t.Fatal(err)
		}
		if got := discovery.ProtectedURLs(u); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", resource, got, want)
		}
	}
}

func TestFindProtected(t *testing.T) {
	const own, root = "https://api.example.com/own", "https://api.example.com/root"
	good := answer{status: 200, body: `{"resource":"https://api.example.com","authorization_servers":["https://login.example.com"],"scopes_supported":["a"]}`}
	for _, tt := range []struct {
		name  string
		own   answer
		asked int
		found bool
	}{
		{"the first", good, 1, true},
		{"not found", answer{status: 404}, 2, true},
		{"not allowed", answer{status: 401}, 2, true},
		{"a page for every path", answer{status: 200, body: "<!doctype html>"}, 2, true},
		{"another resource", answer{status: 200, body: `{"resource":"https://evil.example.com"}`}, 1, false},
		{"status 503", answer{status: 503}, 1, false},
		{"too many requests", answer{status: 429}, 1, false},
		{"a redirect to another origin", answer{status: 302, location: "https://evil.example.com/"}, 1, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &server{answers: map[string]answer{own: tt.own, root: good}}
			p, err := discovery.FindProtected(t.Context(), s.client(), []string{own, root}, func(_ string, p discovery.Protected) error {
				if p.Resource != "https://api.example.com" {
					return errors.New("another resource")
				}
				return nil
			})
			if (err == nil) != tt.found || len(s.asked) != tt.asked {
				t.Errorf("%+v, %v, after requests of %q", p, err, s.asked)
			}
		})
	}
}

func FuzzParseProtected(f *testing.F) {
	f.Add([]byte(`{"resource":"https://api.example.com","authorization_servers":["https://login.example.com"]}`))
	f.Add([]byte(`{"resource":"a","resource":"b"}`))
	f.Add([]byte(`{"resource":"\ud800","authorization_servers":[[]]}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		p, err := discovery.ParseProtected(doc)
		switch {
		case err != nil && !reflect.DeepEqual(p, discovery.Protected{}):
			t.Errorf("ParseProtected returned an error and the metadata %+v", p)
		case err == nil && p.Resource == "":
			t.Error("accepted a document without a resource")
		}
	})
}

// RFC 9728, Section 2: null in an optional member is as if it were absent.
func TestParseProtected(t *testing.T) {
	for doc, want := range map[string]discovery.Protected{
		`{"resource":"r","authorization_servers":null,"scopes_supported":null,"dpop_bound_access_tokens_required":null}`: {Resource: "r"},
		`{"resource":"r","scopes_supported":"a b","x":1}`:                                                                {Resource: "r"},
		`{"resource":"r","authorization_servers":["a"],"scopes_supported":["b"],"dpop_bound_access_tokens_required":true}`: {
			Resource: "r", AuthorizationServers: []string{"a"}, ScopesSupported: []string{"b"}, DPoPRequired: true},
	} {
		if p, err := discovery.ParseProtected([]byte(doc)); err != nil || !reflect.DeepEqual(p, want) {
			t.Errorf("%s: %+v, %v", doc, p, err)
		}
	}
	for _, doc := range []string{`{"resource":null}`, `{"authorization_servers":["a"]}`, `{"resource":"r","authorization_servers":"a"}`, `{"resource":"r","resource":"s"}`, `[]`, ``} {
		if p, err := discovery.ParseProtected([]byte(doc)); err == nil {
			t.Errorf("accepted %s as %+v", doc, p)
		}
	}
}

package client_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/client"
)

// Which URLs get a token, checklist C11, reports G9.
func TestResourceCovers(t *testing.T) {
	tests := []struct {
		resource, url string
		want          bool
	}{
		{"https://api.example.com", "https://api.example.com", true},
		{"https://api.example.com", "https://api.example.com/a/b?x=../y", true},
		{"https://api.example.com/", "https://api.example.com/a", true},
		{"https://api.example.com", "https://API.example.com:443/a", true},
		{"https://api.example.com:443", "https://api.example.com/a", true},
		{"https://api.example.com/v1", "https://api.example.com/v1", true},
		{"https://api.example.com/v1/", "https://api.example.com/v1/a", true},
		{"https://api.example.com/v1", "https://api.example.com/v1?a=b", true},
		{"https://api.example.com/a%2Fb", "https://api.example.com/a%2Fb/c", true},
		{"http://127.0.0.1:8080", "http://127.0.0.1:8080/a", true},
		{"http://127.0.0.1", "http://127.0.0.1:80/a", true},
		{"https://api.example.com", "https://api.example.com/a/../b", true}, // all of the origin is the resource
		{"http://[::1]:8080", "http://[::1]:8080/a", true},

		{"https://api.example.com", "http://api.example.com/a", false},
		{"https://api.example.com", "http://api.example.com:443/a", false},
		{"https://api.example.com", "https://api.example.com:8443/a", false},
		{"https://api.example.com", "https://api.example.com.evil.example/a", false},
		{"https://api.example.com", "https://evil.example/api.example.com", false},
		{"https://api.example.com", "https://api.example.com@evil.example/", false},
		{"https://api.example.com", "https://evil.example/?https://api.example.com", false},
		{"https://api.example.com", "https://xapi.example.com/", false},
		{"https://api.example.com", "https://example.com/", false},
		{"https://api.example.com", "https://api.example.com./", false},
		{"https://api.example.com/v1", "https://api.example.com/", false},
		{"https://api.example.com/v1", "https://api.example.com/v10", false},
		{"https://api.example.com/v1", "https://api.example.com/v1.evil", false},
		{"https://api.example.com/v1", "https://api.example.com/V1/a", false},
		{"https://api.example.com/v1", "https://api.example.com/v1/../v2", false},
		{"https://api.example.com/v1", "https://api.example.com/v1/./a", false},
		{"https://api.example.com/v1", "https://api.example.com/v1/%2e%2e/v2", false},
		{"https://api.example.com/v1", "https://api.example.com/v1/..%2fv2", false},
		{"https://api.example.com/v1", "https://api.example.com/v1/..;/v2", false},
		{"https://api.example.com/v1", `https://api.example.com/v1/..\v2`, false},
		{"https://api.example.com/v1", "https://api.example.com//v1/a", false},
		{"https://api.example.com/a%2Fb", "https://api.example.com/a/b/c", false},
	}
	for _, tt := range tests {
		api := &fakeAPI{answer: func(_ int, _ *http.Request, w http.ResponseWriter) {
			refuse(w, 401, `Bearer error="insufficient_scope", scope="admin"`)
		}}
		source := &counter{err: func(n int, _ client.Want) error {
			if n > 1 {
				return client.ErrNoMoreScope
			}
			return nil
		}}
		u, err := url.Parse(tt.url)
		if err != nil {
			t.Fatal(err)
		}
		r := (&http.Request{Method: "GET", URL: u, Header: http.Header{}}).WithContext(t.Context())
		resp, err := newTransport(t, api, client.Config{Tokens: source, Resource: tt.resource}).RoundTrip(r)
		if tt.want {
			if err == nil || api.tokens() != "token-1" {
				t.Errorf("%s under %s: %v, the API saw %q", tt.url, tt.resource, err, api.tokens())
			}
			continue
		}
		// The answer is the caller's, and its challenges are not read.
		if err != nil || resp.StatusCode != 401 || api.tokens() != "" || len(source.wants) != 0 {
			t.Errorf("%s under %s: %v, %q", tt.url, tt.resource, err, api.tokens())
		}
	}
}

// A URL without a host, and one whose request target names another host.
func TestStrangeURLs(t *testing.T) {
	for _, u := range []*url.URL{nil, {}, {Scheme: "https", Host: "api.example.com", Opaque: "//evil.example/x"}} {
		sent := 0
		base := roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if sent++; r.Header.Get("Authorization") != "" {
				t.Errorf("%v got a token", u)
			}
			return nil, http.ErrNotSupported
		})
		transport := newTransport(t, base, client.Config{Tokens: new(counter)})
		if _, err := transport.RoundTrip((&http.Request{Method: "GET", URL: u, Header: http.Header{}}).WithContext(t.Context())); err != http.ErrNotSupported || sent != 1 {
			t.Errorf("%v: %v", u, err)
		}
	}
}

type idle struct {
	http.RoundTripper
	closed int
}

func (i *idle) CloseIdleConnections() { i.closed++ }

func TestCloseIdleConnections(t *testing.T) {
	base := new(idle)
	(&http.Client{Transport: newTransport(t, base, client.Config{Tokens: new(counter)})}).CloseIdleConnections()
	if base.closed != 1 {
		t.Errorf("closed %d times", base.closed)
	}
	newTransport(t, roundTripFunc(nil), client.Config{Tokens: new(counter)}).CloseIdleConnections() // cannot, and does not panic
}

// A redirect to another origin carries neither the token nor a proof, and its
// challenges have no effect.
func TestRedirectElsewhere(t *testing.T) {
	elsewhere := &fakeAPI{answer: func(_ int, _ *http.Request, w http.ResponseWriter) {
		w.Header().Set("DPoP-Nonce", "evil")
		refuse(w, 401, `Bearer error="insufficient_scope", scope="admin"`)
	}}
	other := httptest.NewServer(elsewhere)
	defer other.Close()
	api := &fakeAPI{answer: func(_ int, r *http.Request, w http.ResponseWriter) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other.URL+"/steal", http.StatusTemporaryRedirect)
		case "/here":
			http.Redirect(w, r, "/orders", http.StatusSeeOther)
		}
	}}
	server := httptest.NewServer(api)
	defer server.Close()
	source := new(counter)
	transport, err := client.New(client.Config{Tokens: source, Resource: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	if status, err := do(t, transport, request(t, "POST", server.URL+"/away", strings.NewReader("x"))); status != 401 {
		t.Error(status, err)
	}
	if len(elsewhere.seen) != 1 || elsewhere.seen[0].authorization != "" || elsewhere.seen[0].proof != "" {
		t.Errorf("elsewhere: %+v", elsewhere.seen)
	}
	if status, err := do(t, transport, get(t, server.URL+"/here")); status != 200 {
		t.Error(status, err)
	}
	if got := api.tokens(); got != "token-1 token-1 token-1" || len(source.wants) != 1 {
		t.Errorf("the API saw %q", got)
	}
}

// All mistakes at once, and each says what to do.
func TestMistakesOfNew(t *testing.T) {
	for resource, want := range map[string]string{
		"":                                  "want https://host/path",
		"api.example.com":                   "want https://host/path",
		"http://api.example.com":            "InsecureAllowHTTP",
		"http://x.localhost":                "InsecureAllowHTTP",
		"https://api.example.com/?a=b":      "has a query",
		"https://api.example.com/?":         "has a query",
		"https://api.example.com/#a":        "has a fragment",
		"https://user:pw@api.example.com/":  "has userinfo",
		"https://api.example.com/../v1":     "segment . or ..",
		"https://api.example.com/%2e%2e/v1": "segment . or ..",
		"https://{host}/":                   "placeholder",
	} {
		_, err := client.New(client.Config{Resource: resource, Tokens: client.FromTokenSource(nil)})
		if err == nil || !strings.Contains(err.Error(), "Config.Resource: ") || !strings.Contains(err.Error(), want) ||
			!strings.Contains(err.Error(), "Config.Tokens is nil") {
			t.Errorf("%s: %v, want %q and the missing Tokens", resource, err, want)
		}
	}
	if _, err := client.New(client.Config{Tokens: new(counter), Resource: "http://api:8080", InsecureAllowHTTP: true}); err != nil {
		t.Error(err)
	}
}

package bearertest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// Reports G11: a page whose host name resolves to 127.0.0.1 gets no token,
// because the request contains that name.
func TestIssuerAcceptsOnlyItsOwnNames(t *testing.T) {
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{Path: "/realms/shop"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	_, port, _ := strings.Cut(strings.TrimPrefix(issuer.URL(), "http://"), ":")
	port, _, _ = strings.Cut(port, "/")
	tests := []struct {
		host string
		want int
	}{
		{"", 200}, // the client's default, 127.0.0.1 with the port
		{"127.0.0.1", 200},
		{"127.0.0.1:1", 200},
		{"localhost:" + port, 200},
		{"LOCALHOST", 200},
		{"[::1]:" + port, 200},
		{"[::1]", 200},

		{"evil.example:" + port, 421},
		{"evil.example", 421},
		{"localhost.evil.example:" + port, 421},
		{"127.0.0.1.evil.example", 421},
		{"x.localhost:" + port, 421},
		{"localhost.", 421},
		{"127.1", 421},
		{"10.0.0.1:" + port, 421},
		{"issuer.example.com", 421}, // the name of an issuer in memory
		{"localhost:" + port + ":x", 421},
	}
	for _, tt := range tests {
		for _, path := range []string{"/token", "/introspect", "/revoke", "/jwks", "/.well-known/openid-configuration"} {
			r, err := http.NewRequest("POST", issuer.URL()+path, strings.NewReader("grant_type=client_credentials&scope=admin"))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", "http://evil.example:"+port)
			r.Host = tt.host
			resp, err := issuer.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil {
				t.Error(err)
			}
			want := tt.want
			if want == 200 && (path == "/introspect" || path == "/revoke") {
				want = 401 // this issuer has no clients
			}
			if resp.StatusCode != want {
				t.Errorf("Host %q, %s: %d, want %d", tt.host, path, resp.StatusCode, want)
			}
			if tt.want == 421 && strings.Contains(string(body), "token") {
				t.Errorf("Host %q, %s: %s", tt.host, path, body)
			}
			// A page of another origin cannot read what it is sent.
			for name := range resp.Header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("Host %q, %s: %s: %s", tt.host, path, name, resp.Header.Get(name))
				}
			}
		}
	}
}

// Reports G11: an issuer in memory accepts only its one name.
func TestIssuerInMemoryAcceptsOnlyItsName(t *testing.T) {
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{InMemory: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	for host, want := range map[string]int{"issuer.example.com": 200, "ISSUER.example.com:443": 200, "evil.example": 421} {
		r, err := http.NewRequest("GET", issuer.URL()+"/jwks", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		resp, err := issuer.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("Host %q: %d, want %d", host, resp.StatusCode, want)
		}
	}
}

func TestLocalOnly(t *testing.T) {
	names := []string{"api.example.com", ""}
	h := bearertest.LocalOnly(http.NotFoundHandler(), names...)
	names[0] = "evil.example"
	for host, want := range map[string]int{
		"localhost": 404, "api.example.com": 404, "API.example.com:8443": 404,
		"": 421, "evil.example": 421, "www.api.example.com": 421, "api.example.com.": 421,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("Host %q: %d, want %d", host, w.Code, want)
		}
	}
}

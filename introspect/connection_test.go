package introspect_test

import (
	"encoding/base64"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/bearerkit/bearerkit/introspect"
)

// Close closes the connections of the verifier's own client.
func TestCloseEndsConnections(t *testing.T) {
	var opened, closed atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(activeBody))
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			opened.Add(1)
		case http.StateClosed:
			closed.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	v, err := introspect.New(introspect.Config{
		Issuer: server.URL, Endpoint: server.URL + "/introspect", Audience: []string{audience}, Auth: introspect.ClientSecretBasic("api", "secret"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), "t-1"); err != nil {
		t.Fatal(err)
	}
	if opened.Load() != 1 || closed.Load() != 0 {
		t.Fatalf("%d connections opened, %d closed; the test shows nothing", opened.Load(), closed.Load())
	}
	v.Close()
	eventually(t, "the connection is closed", func() bool { return closed.Load() == 1 })
}

// The URLs that metadata lists must use https, except on loopback or with
// InsecureAllowHTTP (RFC 8414, Section 2).
func TestHTTPInMetadata(t *testing.T) {
	const (
		issuer   = "http://127.0.0.1:9"
		endpoint = "http://login.example.com/introspect"
		keys     = "http://login.example.com/keys"
	)
	jwt := "." + base64.RawURLEncoding.EncodeToString([]byte("{}")) + ".AAAA"
	jwt = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"token-introspection+jwt"}`)) + jwt
	for _, insecure := range []bool{false, true} {
		for name, tt := range map[string]struct {
			endpoint string
			signed   *introspect.Signed
			url      string
		}{
			"the endpoint":          {"", nil, endpoint},
			"the keys":              {"http://127.0.0.1:9/introspect", &introspect.Signed{Audience: "api"}, keys},
			"the endpoint, by hand": {endpoint, nil, endpoint},
		} {
			if !insecure && tt.endpoint == endpoint {
				continue // New reports it
			}
			var sent sync.Map
			v := asking(t, nil, func(c *introspect.Config) {
				c.Issuer, c.Endpoint, c.Signed, c.InsecureAllowHTTP = issuer, tt.endpoint, tt.signed, insecure
				c.Client = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					sent.Store(r.URL.String(), true)
					if r.Method == http.MethodPost {
						return answers(200, http.Header{"Content-Type": {"application/token-introspection+jwt"}}, jwt)(r)
					}
					return answers(200, nil, `{"issuer":"`+issuer+`","introspection_endpoint":"`+endpoint+`","jwks_uri":"`+keys+`"}`)(r)
				})}
			})
			_, _ = v.Verify(t.Context(), "t-1")
			if _, ok := sent.Load(tt.url); ok != insecure {
				t.Errorf("%s: a request to %s: %t, want %t", name, tt.url, ok, insecure)
			}
		}
	}
}

// Close ends a request for the keys of signed answers.
func TestCloseEndsTheFetchOfKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		jwt := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"token-introspection+jwt"}`)) + ".e30.AAAA"
		var began, ended atomic.Bool
		v := asking(t, nil, func(c *introspect.Config) {
			c.Signed = &introspect.Signed{Audience: "api", JWKSURI: "https://issuer.example.com/keys"}
			c.Client = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.Method == http.MethodPost {
					return answers(200, http.Header{"Content-Type": {"application/token-introspection+jwt"}}, jwt)(r)
				}
				began.Store(true)
				defer ended.Store(true)
				return hangs(r)
			})}
		})
		go func() { _, _ = v.Verify(t.Context(), "t-1") }()
		synctest.Wait()
		if !began.Load() || ended.Load() {
			t.Fatal("no request is under way: the test shows nothing")
		}
		v.Close()
		synctest.Wait()
		if !ended.Load() {
			t.Error("the request is still under way")
		}
	})
}

package main

import (
	"net/http"
	"strings"
	"testing"
)

func TestCORS(t *testing.T) {
	issuer := newIssuer(t)
	const (
		origin    = "https://app.example.com"
		preflight = "\nAccess-Control-Request-Method: GET\nAccess-Control-Request-Headers: authorization,dpop"
		from      = "\nOrigin: " + origin
		fromElse  = "\nOrigin: https://evil.example.com"
	)
	for _, framework := range frameworks {
		t.Run(framework, func(t *testing.T) {
			url := start(t, "-framework", framework, "-issuer", issuer.URL(), "-audience", audience, "-cors", origin)
			for _, path := range []string{"/orders", "/transfers", "/users/alice/profile", "/public"} {
				got := send(t, url, "OPTIONS "+path+from+preflight)
				if got.status != 204 || got.header.Get("Access-Control-Allow-Origin") != origin || got.body != "" {
					t.Errorf("a preflight for %s: %+v", path, got)
				}
				for name, values := range map[string][]string{
					"Access-Control-Allow-Headers": {"Authorization", "DPoP", "Content-Type"},
					"Access-Control-Allow-Methods": {"GET", "HEAD", "POST", "PUT"},
					"Vary":                         {"Origin"},
				} {
					for _, value := range values {
						if !strings.Contains(", "+got.header.Get(name)+",", ", "+value+",") {
							t.Errorf("%s: %q lacks %s", name, got.header.Get(name), value)
						}
					}
				}
			}
			for request, status := range map[string]int{
				"GET /orders": 401, "GET /public": 200, "GET /nothing": 404, "GET //orders": 404, "DELETE /orders": 405,
				"OPTIONS /orders": 405, "GET /orders\nAuthorization: Bearer": 400,
			} {
				got := send(t, url, request+from)
				if got.status != status || got.header.Get("Access-Control-Allow-Origin") != origin ||
					got.header.Get("Access-Control-Expose-Headers") != "WWW-Authenticate, DPoP-Nonce" ||
					got.header.Get("Vary") != "Origin" || got.header.Get("Access-Control-Allow-Credentials") != "" {
					t.Errorf("%s: %+v", request, got)
				}
			}
			for request, status := range map[string]int{
				"GET /orders" + fromElse:                       401,
				"GET /public" + fromElse:                       200,
				"GET /public":                                  200,
				"GET /public\nOrigin: null":                    200,
				"GET /public\nOrigin: " + origin + ".evil":     200,
				"GET /public\nOrigin: HTTPS://app.example.com": 200,
				"GET /public" + from + fromElse:                200,
				"OPTIONS /orders" + fromElse + preflight:       405,
				"OPTIONS /orders" + preflight:                  405,
			} {
				got := send(t, url, request)
				if got.status != status || got.header.Get("Vary") != "Origin" || hasCORS(got.header) {
					t.Errorf("%s: %+v", request, got)
				}
			}
		})
	}
}

func TestCORSIsOffByDefault(t *testing.T) {
	issuer := newIssuer(t)
	onEach(t, issuer, func(t *testing.T, url string) {
		got := send(t, url, "OPTIONS /orders\nOrigin: https://app.example.com\nAccess-Control-Request-Method: GET")
		if got.status != 405 || hasCORS(got.header) || got.header.Get("Vary") != "" {
			t.Errorf("%+v", got)
		}
	})
}

func hasCORS(h http.Header) bool {
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			return true
		}
	}
	return false
}

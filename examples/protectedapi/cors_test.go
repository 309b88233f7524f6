package main

import (
	"net/http"
	"strings"
	"testing"
)

func TestCORS(t *testing.T) {
	t.Parallel()
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
			// Reports L17: a page may use every method of every route.
			for _, rt := range new(config).routes(nil, denials{}) {
				path := strings.Replace(rt.Path, "{id}", "alice", 1)
				for _, method := range rt.Methods() {
					for _, fields := range []string{"", "authorization", "authorization,content-type,dpop", "dpop"} {
						got := send(t, url, preflightOf(path, origin, method, fields))
						if got.status != 204 || got.body != "" || !letsPass(got.header, origin, method, fields) {
							t.Errorf("a preflight for %s %s with %q: %+v", method, path, fields, got)
						}
						if vary := got.header.Get("Vary"); !strings.Contains(vary, "Origin") {
							t.Errorf("Vary: %q", vary)
						}
					}
				}
			}
			for _, request := range []string{
				preflightOf("/orders", origin, "PATCH", ""), preflightOf("/orders", origin, "TRACE", ""),
				preflightOf("/orders", origin, "GET", "x-forwarded-for"), preflightOf("/orders", origin, "GET", "authorization,x-other"),
			} {
				if got := send(t, url, request); got.status != 204 || hasCORS(got.header) {
					t.Errorf("%s: %+v", request, got)
				}
			}
			for request, status := range map[string]int{
				"GET /orders": 401, "GET /public": 200, "GET /nothing": 404, "GET //orders": 404, "DELETE /orders": 405,
				"OPTIONS /orders": 405, "GET /orders\nAuthorization: Bearer": 400,
			} {
				got := send(t, url, request+from)
				if got.status != status || got.header.Get("Access-Control-Allow-Origin") != origin ||
					!strings.EqualFold(got.header.Get("Access-Control-Expose-Headers"), "WWW-Authenticate, DPoP-Nonce, Retry-After") ||
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

// preflightOf returns the preflight that a browser sends before a request with a
// method and header fields. A browser writes the fields in lower case, sorted and
// without spaces (Fetch Standard, Section 4.8).
func preflightOf(path, origin, method, fields string) string {
	request := "OPTIONS " + path + "\nOrigin: " + origin + "\nAccess-Control-Request-Method: " + method
	if fields != "" {
		request += "\nAccess-Control-Request-Headers: " + fields
	}
	return request
}

// letsPass reports whether a browser sends the request after this answer to the
// preflight (Fetch Standard, Section 4.8).
func letsPass(h http.Header, origin, method, fields string) bool {
	has := func(name, value string) bool {
		for listed := range strings.SplitSeq(h.Get(name), ",") {
			if strings.EqualFold(strings.TrimSpace(listed), value) {
				return true
			}
		}
		return false
	}
	safe := method == "GET" || method == "HEAD" || method == "POST"
	if h.Get("Access-Control-Allow-Origin") != origin || !safe && !has("Access-Control-Allow-Methods", method) {
		return false
	}
	for field := range strings.SplitSeq(fields, ",") {
		if field != "" && !has("Access-Control-Allow-Headers", field) {
			return false
		}
	}
	return true
}

// Reports L17: a page can read when to retry.
func TestCORSExposesRetryAfter(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	token := issuer.Mint(tokenFor("orders:read"))
	issuer.Stop()
	const origin = "https://app.example.com"
	for _, framework := range frameworks {
		url := start(t, "-framework", framework, "-issuer", issuer.URL(), "-audience", audience, "-cors", origin)
		got := send(t, url, "GET /orders\nOrigin: "+origin+bearerScheme+token)
		if got.status != 503 || got.header.Get("Retry-After") == "" || !strings.Contains(got.header.Get("Access-Control-Expose-Headers"), "Retry-After") {
			t.Errorf("%s: %+v", framework, got)
		}
	}
}

func TestCORSIsOffByDefault(t *testing.T) {
	t.Parallel()
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

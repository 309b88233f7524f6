package dpop_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/dpop"
)

// D9; RFC 3986, Sections 6.2.2 and 6.2.3; checklist 2.7; the table of issue 4.
func TestTarget(t *testing.T) {
	c := newClient(t, "ES256")
	const api, v6, port, loopback = origin, "https://[2001:db8::1]", "https://api.example.com:8443", "http://127.0.0.1:8080"
	tests := []struct {
		name, origin, line, htu string
		good                    bool
	}{
		{"the same", api, "GET /orders", api + "/orders", true},
		{"a query on both sides", api, "GET /orders?a=b&c=d", api + "/orders?x=y", true},
		{"a query in the request", api, "GET /orders?a=/../x", api + "/orders", true},
		{"a fragment in htu", api, "GET /orders", api + "/orders#top", true},
		{"an empty query", api, "GET /orders?", api + "/orders?", true},
		{"another path", api, "GET /orders", api + "/users", false},
		{"a longer path", api, "GET /orders", api + "/orders/1", false},
		{"a shorter path", api, "GET /orders/1", api + "/orders", false},
		{"a slash at the end", api, "GET /orders/", api + "/orders", false},
		{"a path in capitals", api, "GET /Orders", api + "/orders", false},
		{"a parameter of the path", api, "GET /orders;x", api + "/orders", false},
		{"a plus sign is no space", api, "GET /a+b", api + "/a%20b", false},
		{"a query that was made a path", api, "GET /orders%3Fa", api + "/orders?a", false},
		{"a fragment that was made a path", api, "GET /orders%23a", api + "/orders#a", false},

		{"another host", api, "GET /orders", "https://evil.example/orders", false},
		{"a host that begins so", api, "GET /orders", "https://api.example.com.evil.example/orders", false},
		{"a dot behind the host", api, "GET /orders", "https://api.example.com./orders", false},
		{"a host in capitals", api, "GET /orders", "HTTPS://API.Example.COM/orders", true},
		{"an origin in capitals", "HTTPS://API.EXAMPLE.COM", "GET /orders", api + "/orders", true},
		{"a host that is encoded", api, "GET /orders", "https://%61pi.example.com/orders", false},
		{"a Kelvin sign for a k", "https://k.example.com", "GET /orders", "https://\u212a.example.com/orders", false},
		{"another scheme", api, "GET /orders", "http://api.example.com/orders", false},
		{"userinfo", api, "GET /orders", "https://me@api.example.com/orders", false},
		{"empty userinfo", api, "GET /orders", "https://@api.example.com/orders", false},
		{"userinfo that looks like the origin", api, "GET /orders", "https://api.example.com:443@evil.example/orders", false},
		{"a backslash for userinfo", api, "GET /orders", `https://evil.example\@api.example.com/orders`, false},
		{"a backslash for a slash", api, "GET /orders", `https://api.example.com\orders`, false},
		{"a space in front", api, "GET /orders", " " + api + "/orders", false},
		{"no scheme", api, "GET /orders", "//api.example.com/orders", false},
		{"no origin", api, "GET /orders", "/orders", false},
		{"one slash", api, "GET /orders", "https:/api.example.com/orders", false},
		{"three slashes", api, "GET /orders", "https:///api.example.com/orders", false},
		{"no host", api, "GET /orders", "https:///orders", false},

		{"the default port in htu", api, "GET /orders", "https://api.example.com:443/orders", true},
		{"the default port in the origin", api + ":443", "GET /orders", api + "/orders", true},
		{"an empty port", api, "GET /orders", "https://api.example.com:/orders", true},
		{"the default port with zeros", api, "GET /orders", "https://api.example.com:00443/orders", true},
		{"the default port of http", "http://127.0.0.1", "GET /orders", "http://127.0.0.1:80/orders", true},
		{"the default port of another scheme", api, "GET /orders", "https://api.example.com:80/orders", false},
		{"a port", port, "GET /orders", port + "/orders", true},
		{"a port that is missing", port, "GET /orders", api + "/orders", false},
		{"a port too much", api, "GET /orders", port + "/orders", false},
		{"a port of no number", api, "GET /orders", "https://api.example.com:x/orders", false},
		{"a port that wraps around", api, "GET /orders", "https://api.example.com:65979/orders", false},
		{"two ports", api, "GET /orders", "https://api.example.com:443:443/orders", false},
		{"http on loopback", loopback, "GET /orders", loopback + "/orders", true},
		{"localhost is another name", loopback, "GET /orders", "http://localhost:8080/orders", false},

		{"IPv6", v6, "GET /orders", v6 + "/orders", true},
		{"IPv6 in capitals", v6, "GET /orders", "https://[2001:DB8::1]/orders", true},
		{"IPv6 in full", v6, "GET /orders", "https://[2001:0db8:0:0:0:0:0:1]:443/orders", true},
		{"IPv6 in full in the origin", "https://[2001:0db8:0:0:0:0:0:1]", "GET /orders", v6 + "/orders", true},
		{"IPv6 with a port", v6 + ":8443", "GET /orders", v6 + ":8443/orders", true},
		{"another IPv6", v6, "GET /orders", "https://[2001:db8::2]/orders", false},
		{"IPv6 with a zone", v6, "GET /orders", "https://[2001:db8::1%25eth0]/orders", false},
		{"IPv6 without brackets", v6, "GET /orders", "https://2001:db8::1/orders", false},
		{"IPv6 with half the brackets", v6, "GET /orders", "https://[2001:db8::1/orders", false},
		{"something behind the brackets", v6, "GET /orders", "https://[2001:db8::1]x/orders", false},
		{"IPv4 in brackets", "http://127.0.0.1", "GET /orders", "http://[127.0.0.1]/orders", false},

		{"no path", api, "GET /", api, true},
		{"no path and a query", api, "GET /?a", api + "?b", true},
		{"the root is not the rest", api, "GET /orders", api, false},
		{"encoded letters in htu", api, "GET /orders", api + "/%6Frd%65rs", true},
		{"encoded letters in the request", api, "GET /%6frders", api + "/orders", true},
		{"digits of encoding in lower case", api, "GET /a%c3%a9", api + "/a%C3%A9", true},
		{"a tilde that is encoded", api, "GET /%7Eme", api + "/~me", true},
		{"encoded twice", api, "GET /%256Frders", api + "/%6Frders", false},
		{"an encoded sub-delimiter is another", api, "GET /a%3Bb", api + "/a;b", false},
		{"an encoded slash", api, "GET /a%2Fb", api + "/a%2fb", true},
		{"an encoded slash in htu", api, "GET /a/b", api + "/a%2Fb", false},
		{"an encoded slash in the request", api, "GET /a%2Fb", api + "/a/b", false},
		{"an encoded backslash", api, "GET /a%5Cb", api + "/a/b", false},
		{"half an encoding in htu", api, "GET /orders", api + "/orders%", false},
		{"no encoding in htu", api, "GET /orders", api + "/orders%zz", false},
		{"a bare bar, as browsers send it", api, "GET /a|b", api + "/a|b", true},
		{"a space in htu", api, "GET /a%20b", api + "/a b", false},
		{"no ASCII in htu", api, "GET /a%C3%A9", api + "/aé", false},
		{"no ASCII in the request", api, "GET /aé", api + "/a%C3%A9", false},
		{"a hash sign in the request", api, "GET /a#b", api + "/a", false},

		{"dot segments in htu", api, "GET /orders", api + "/a/./../orders", true},
		{"encoded dot segments in htu", api, "GET /orders", api + "/a/%2e/%2E./orders", true},
		{"more of them than the path is deep", api, "GET /orders", api + "/../../orders", true},
		{"a dot segment at the end of htu", api, "GET /orders/", api + "/orders/x/..", true},
		{"a single dot at the end of htu", api, "GET /orders/", api + "/orders/.", true},
		{"dot segments in the request", api, "GET /admin/../orders", api + "/orders", false},
		{"the same dot segments on both sides", api, "GET /admin/../orders", api + "/admin/../orders", false},
		{"encoded dot segments in the request", api, "GET /admin/%2e%2e/orders", api + "/orders", false},
		{"a dot segment at the end of the request", api, "GET /orders/..", api + "/", false},
		{"a dot in the request", api, "GET /./orders", api + "/orders", false},
		{"dots and an encoded slash", api, "GET /admin/..%2Forders", api + "/orders", false},
		{"dots that are no segment", api, "GET /.well-known/...", api + "/.well-known/...", true},

		{"two slashes in front", api, "GET //orders", api + "//orders", true},
		{"two slashes in the request", api, "GET //orders", api + "/orders", false},
		{"two slashes in htu", api, "GET /orders", api + "//orders", false},
		{"two slashes and a host", api, "GET //api.example.com/orders", api + "/orders", false},
		{"two slashes and a host on both sides", api, "GET //evil.example/orders", api + "//evil.example/orders", true},
		{"two slashes that would be the authority", api, "GET //orders", "https://orders", false},
		{"two slashes within", api, "GET /a//b", api + "/a/b", false},
		{"dot segments before two slashes in htu", api, "GET //orders", api + "/x/..//orders", true},

		{"the absolute form", api, "GET https://api.example.com/orders?a", api + "/orders", true},
		{"the absolute form of another host", api, "GET http://evil.example/orders", api + "/orders", true},
		{"the absolute form of another host in htu", api, "GET http://evil.example/orders", "http://evil.example/orders", false},
		{"the absolute form without a path", api, "GET http://evil.example", api + "/", true},
		{"the absolute form without a path, with a query", api, "GET http://evil.example?a", api, true},
		{"the absolute form with dot segments", api, "GET http://api.example.com/a/../orders", api + "/orders", false},
		{"the absolute form with two slashes", api, "GET http://api.example.com//orders", api + "/orders", false},
		{"the asterisk form", api, "OPTIONS *", api + "/", false},
		{"the asterisk form with an asterisk", api, "OPTIONS *", api + "/*", false},
		{"CONNECT", api, "CONNECT api.example.com:443", api + "/", false},
		{"CONNECT with a path", api, "CONNECT /orders", api + "/orders", false},
		{"an opaque target", api, "GET mailto:orders", api + "/orders", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			checker := newChecker(t, dpop.Config{Origin: tt.origin})
			method, _, _ := strings.Cut(tt.line, " ")
			check := "htu"
			if tt.good {
				check = ""
			}
			// Headers and authority of the request have no effect.
			for _, fields := range [][]string{
				{"Host: api.example.com"},
				{"Host: evil.example"},
				{"Host: evil.example", "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: http", "X-Forwarded-Port: 80",
					"X-Forwarded-Prefix: /x", "Forwarded: host=evil.example;proto=http", "X-Original-URL: /users", "X-Rewrite-URL: /users"},
				{"Host: api.example.com/users?"},
			} {
				r, err := tryRead(tt.line, append(fields, "DPoP: "+c.proofFor(t, method, tt.htu)))
				if err != nil {
					continue // net/http answers 400
				}
				wantRefusal(t, checkAndUse(checker, r, token, c.jkt), check)
			}
		})
	}
}

func tryRead(line string, fields []string) (r *http.Request, err error) {
	return readRequest(line + " HTTP/1.1\r\n" + strings.Join(append(fields, "", ""), "\r\n"))
}

// Changes that middleware makes to the URL have no effect.
func TestPathIsTheOneThatWasAskedFor(t *testing.T) {
	c, checker := newClient(t, "ES256"), newChecker(t, dpop.Config{})
	proof := c.proofFor(t, "GET", origin+"/v1/orders")
	served := false
	h := http.StripPrefix("/v1", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		served = true
		if r.URL.Path != "/orders" {
			t.Errorf("the path is %q", r.URL.Path)
		}
		wantRefusal(t, checkAndUse(checker, r, token, c.jkt), "")
	}))
	h.ServeHTTP(httptest.NewRecorder(), read(t, "GET /v1/orders", "DPoP: "+proof))
	if !served {
		t.Error("the handler was not called")
	}
}

// Config.Path restores a prefix that a proxy strips.
func TestConfiguredPath(t *testing.T) {
	c := newClient(t, "ES256")
	for _, tt := range []struct {
		name, prefix, line, htu string
		good                    bool
	}{
		{"the client's path", "/api", "GET /orders", origin + "/api/orders", true},
		{"the proxy's path", "/api", "GET /orders", origin + "/orders", false},
		{"dot segments", "/api", "GET /../orders", origin + "/orders", false},
		{"a path that is not absolute", "api", "GET /orders", origin + "/api/orders", false},
		{"a path with a query", "/api?", "GET /orders", origin + "/api", false},
		{"a whole URL", "https://evil.example", "GET /orders", "https://evil.example/orders", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			checker := newChecker(t, dpop.Config{Path: func(r *http.Request) string { return tt.prefix + r.URL.EscapedPath() }})
			check := "htu"
			if tt.good {
				check = ""
			}
			r := read(t, tt.line, "DPoP: "+c.proofFor(t, "GET", tt.htu))
			wantRefusal(t, checkAndUse(checker, r, token, c.jkt), check)
		})
	}
	none := newChecker(t, dpop.Config{Path: func(*http.Request) string { return "" }})
	wantRefusal(t, checkAndUse(none, orders(t, c.proof(t, nil)), token, c.jkt), "htu")
}

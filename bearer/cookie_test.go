package bearer_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
)

// Checklist B16; RFC 6750, Section 5.3, and RFC 6749, Section 10.12. A foreign
// page can make the browser send a cookie, or what a proxy makes of one.
func TestCrossOrigin(t *testing.T) {
	const own, foreign, trusted = "https://api.example.com", "https://evil.example", "https://app.example.com"
	upgrade := []string{"Upgrade", "websocket", "Connection", "Upgrade"}
	with := func(more ...string) []string { return append(more, upgrade...) }
	tests := []struct {
		name   string
		method string
		header []string
		status int
	}{
		{"a program that is not a browser", "POST", nil, 200},
		{"a page of the own origin", "POST", []string{"Origin", own, "Sec-Fetch-Site", "same-origin"}, 200},
		{"a page of the own origin, old browser", "POST", []string{"Origin", own}, 200},
		{"the user, without a page", "POST", []string{"Sec-Fetch-Site", "none"}, 200},
		{"a trusted origin", "POST", []string{"Origin", trusted, "Sec-Fetch-Site", "same-site"}, 200},
		{"a foreign page", "POST", []string{"Origin", foreign, "Sec-Fetch-Site", "cross-site"}, 403},
		{"a foreign page, old browser", "POST", []string{"Origin", foreign}, 403},
		{"a page of another host of the domain", "DELETE", []string{"Origin", "https://blog.example.com", "Sec-Fetch-Site", "same-site"}, 403},
		{"an opaque origin", "PUT", []string{"Origin", "null", "Sec-Fetch-Site", "cross-site"}, 403},
		{"an opaque origin, old browser", "PATCH", []string{"Origin", "null"}, 403},
		{"a link on a foreign page", "GET", []string{"Sec-Fetch-Site", "cross-site"}, 200},
		{"HEAD for a foreign page", "HEAD", []string{"Origin", foreign, "Sec-Fetch-Site", "cross-site"}, 200},
		{"OPTIONS for a foreign page", "OPTIONS", []string{"Origin", foreign, "Sec-Fetch-Site", "cross-site"}, 200},
		{"a method in lower case", "get", []string{"Origin", foreign, "Sec-Fetch-Site", "cross-site"}, 403},

		{"WebSocket, a program", "GET", upgrade, 200},
		{"WebSocket, own origin", "GET", with("Origin", own), 200},
		{"WebSocket, trusted origin", "GET", with("Origin", trusted), 200},
		{"WebSocket of a foreign page", "GET", with("Origin", foreign), 403},
		{"WebSocket of a foreign page, by Sec-Fetch-Site", "GET", with("Origin", foreign, "Sec-Fetch-Site", "cross-site"), 403},
		{"WebSocket of a foreign page, in a list", "GET", []string{"Origin", foreign, "Upgrade", "h2c, WebSocket"}, 403},
		{"WebSocket over HTTP/2 of a foreign page", "CONNECT", []string{"Origin", foreign, ":protocol", "websocket"}, 403},
		{"WebSocket over HTTP/2, own origin", "CONNECT", []string{"Origin", own, ":protocol", "websocket"}, 200},
	}
	policy := http.NewCrossOriginProtection()
	if err := policy.AddTrustedOrigin(trusted); err != nil {
		t.Fatal(err)
	}
	var log eventLog
	c := log.config(fromSources(bearer.FromAuthorization(), bearer.FromCookie(hostCookie), bearer.FromHeader(assertionField)))
	c.CrossOrigin = policy
	rt := newRoute(t, c, bearer.RouteConfig{})
	for _, tt := range tests {
		for _, token := range [][2]string{{"Cookie", "__Host-token=good"}, {assertionField, "good"}, {"Authorization", "Bearer good"}} {
			t.Run(tt.name+", "+token[0], func(t *testing.T) {
				log.reset()
				r := requestWith(tt.method, append([]string{token[0], token[1]}, tt.header...)...)
				if p := r.Header[":protocol"]; tt.method == "CONNECT" && p == nil {
					t.Fatal("the test does not send :protocol")
				}
				want := tt.status
				if token[0] == "Authorization" { // a page cannot set it
					want = 200
				}
				got := serve(rt, r)
				if got.status != want || got.challenge() != "" {
					t.Fatalf("%d %q, want %d", got.status, got.challenge(), want)
				}
				if want == 200 {
					return
				}
				const body = `{"status":403,"error_description":"The request is not allowed.","request_id":"` + requestID + `"}`
				if strings.TrimSpace(got.body) != body || got.header.Get("Cache-Control") != "no-store" {
					t.Errorf("body %s, Cache-Control %q", got.body, got.header.Get("Cache-Control"))
				}
				record, event := log.only(t)
				if event.Check != "cross origin" || event.Code != bearer.CodeForbidden || event.Hint == "" || record["token_sha256"] == nil || strings.Contains(log.buf.String(), "good") {
					t.Errorf("the record is %s", log.buf.String())
				}
			})
		}
	}
}

// A pattern without a method exempts handshakes, and a pattern of POST does not.
func TestCrossOriginPatterns(t *testing.T) {
	policy := http.NewCrossOriginProtection()
	policy.AddInsecureBypassPattern("/open")
	policy.AddInsecureBypassPattern("POST /orders")
	c := fromSources(bearer.FromCookie(hostCookie))
	c.CrossOrigin = policy
	rt := newRoute(t, c, bearer.RouteConfig{})
	for path, want := range map[string]int{"/open": 200, "/orders": 403} {
		r := requestWith("GET", "Cookie", "__Host-token=good", "Upgrade", "websocket", "Origin", "https://evil.example")
		r.URL.Path = path
		if got := serve(rt, r); got.status != want {
			t.Errorf("%s: %d, want %d", path, got.status, want)
		}
	}
}

// A refusal for the origin applies to optional routes too, and does not ask the
// verifier about the token.
func TestCrossOriginComesFirst(t *testing.T) {
	c := fromSources(bearer.FromCookie(hostCookie))
	c.Verifiers = []bearer.Verifier{bearer.VerifierFunc(nil)} // a call would panic
	c.Verifiers[0] = answering(nil, nil)
	rt := newRoute(t, c, bearer.RouteConfig{Optional: true})
	for cookie, want := range map[string]int{"__Host-token=good": 403, "other=good": 200} {
		if got := serve(rt, requestWith("POST", "Cookie", cookie, "Origin", "https://evil.example")); got.status != want {
			t.Errorf("%s: %d, want %d", cookie, got.status, want)
		}
	}
}

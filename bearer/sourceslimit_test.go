package bearer_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
)

// Reports V9: anybody may send a header, a query or a form of 1 MiB. What the
// guard allocates for it stays in proportion.
func TestLongSourcesAllocateLittle(t *testing.T) {
	rt := newRoute(t, fromSources(bearer.FromAuthorization(), bearer.FromHeader(assertionField), bearer.FromCookie(hostCookie),
		bearer.FromWebSocketProtocol("t."), bearer.FromFormBody(), bearer.InsecureFromQuery()), bearer.RouteConfig{})
	repeated := func(s string) string { return strings.Repeat(s, 1<<20/len(s)) }
	offers, lines := repeated("a,"), append(strings.Split(repeated("aaaaaaaaaaaaaaaaaaaaaaaa,"), ","), "t.forged")
	parameters := repeated("a&")
	for _, tt := range []struct {
		name    string
		request func() *http.Request
		most    uint64
	}{
		{"subprotocols", func() *http.Request { return handshake(offers) }, 64 << 10},
		{"subprotocols, and a token", func() *http.Request { return handshake(offers, "t.forged") }, 5 << 20},
		{"tokens in subprotocols", func() *http.Request { return handshake(strings.ReplaceAll(offers[:1<<18], "a", "t.a")) }, 2 << 20},
		{"lines of subprotocols, and a token", func() *http.Request { return handshake(lines...) }, 5 << 20},
		{"cookies", func() *http.Request { return requestWith("GET", "Cookie", offers, "Cookie", parameters) }, 64 << 10},
		{"a field", func() *http.Request { return requestWith("GET", assertionField, offers) }, 64 << 10},
		{"a query", func() *http.Request {
			r := requestWith("GET")
			r.URL.RawQuery = parameters
			return r
		}, 4 << 20},
		{"a form", func() *http.Request {
			r := httptest.NewRequest("POST", "/orders", strings.NewReader(parameters))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return r
		}, 8 << 20},
	} {
		var requests []*http.Request
		for range 12 {
			requests = append(requests, tt.request())
		}
		w := &discardWriter{header: http.Header{}}
		next := func() {
			rt.Admit(w, requests[0])
			requests = requests[1:]
		}
		next()
		if got := allocated(next); got > tt.most {
			t.Errorf("%s: %d, %d bytes allocated", tt.name, w.status, got)
		}
	}
}

package bearer_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

const offered = "Sec-Websocket-Protocol"

// handshake returns a WebSocket handshake that offers subprotocols.
func handshake(lines ...string) *http.Request {
	r := requestWith("GET", "Upgrade", "websocket", "Connection", "Upgrade")
	r.Header[offered] = lines
	return r
}

// RFC 6455, Section 4.1, and RFC 6750, Section 3.1.
func TestWebSocketProtocol(t *testing.T) {
	plain, encoded := bearer.FromWebSocketProtocol("bearer.token."), bearer.FromWebSocketProtocolBase64("base64url.bearer.")
	in := func(token string) string {
		return "base64url.bearer." + base64.RawURLEncoding.EncodeToString([]byte(token))
	}
	tests := []struct {
		name   string
		lines  []string
		status int
		left   []string // what remains of the field
	}{
		{"among others", []string{"chat.v2, bearer.token.good, chat.v1"}, 200, []string{"chat.v2, chat.v1"}},
		{"alone", []string{"bearer.token.good"}, 200, nil},
		{"in a line of its own", []string{"chat.v1", "bearer.token.good"}, 200, []string{"chat.v1"}},
		{"without spaces", []string{"chat.v1,bearer.token.good"}, 200, []string{"chat.v1"}},
		{"with tabs", []string{"chat.v1\t,\tbearer.token.good\t"}, 200, []string{"chat.v1"}},
		{"with a space before the comma", []string{"bearer.token.good , chat.v1"}, 200, []string{"chat.v1"}},
		{"beside a name of one character", []string{"a, bearer.token.good"}, 200, []string{"a"}},
		{"among empty members", []string{",chat.v1,,bearer.token.good,, chat.v2,"}, 200, []string{"chat.v1, chat.v2"}},
		{"in base64url", []string{in("good") + ", chat.v1"}, 200, []string{"chat.v1"}},
		{"none", []string{"chat.v1, chat.v2"}, 401, []string{"chat.v1, chat.v2"}},
		{"none, without spaces", []string{"chat.v1,,chat.v2", ""}, 401, []string{"chat.v1,,chat.v2", ""}},
		{"no field", nil, 401, nil},
		{"the prefix in another case", []string{"Bearer.Token.x"}, 401, []string{"Bearer.Token.x"}},
		{"forged", []string{"chat.v1, bearer.token.forged"}, 401, []string{"chat.v1"}},
		{"empty", []string{"chat.v1, bearer.token."}, 400, []string{"chat.v1"}},
		{"two", []string{"bearer.token.good, chat.v1, bearer.token.good"}, 400, []string{"chat.v1"}},
		{"two, in two forms", []string{"bearer.token.good, chat.v1", in("good")}, 400, []string{"chat.v1"}},
		{"not base64url", []string{"base64url.bearer.a+b, chat.v1"}, 400, []string{"chat.v1"}},
		{"base64url with padding", []string{"base64url.bearer.Z29v=, chat.v1"}, 400, []string{"chat.v1"}},
		{"other characters", []string{"bearer.token.go!od, chat.v1"}, 400, []string{"chat.v1"}},
		{"other characters in base64url", []string{in("go od") + ", chat.v1"}, 400, []string{"chat.v1"}},
	}
	var log eventLog
	c := log.config(fromSources(bearer.FromAuthorization(), plain, encoded))
	var seen []string
	hook := c.OnRefusal
	c.OnRefusal = func(r *http.Request, e bearer.Event) { seen = append(seen, r.Header[offered]...); hook(r, e) }
	c.ErrorBody = func(r *http.Request, _ bearer.PublicError) (string, []byte) {
		seen = append(seen, r.Header[offered]...)
		return "", nil
	}
	rt := newRoute(t, c, bearer.RouteConfig{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			log.reset()
			seen = nil
			r := handshake(tt.lines...)
			got := serve(rt, r)
			if got.status != tt.status || !slices.Equal(r.Header[offered], tt.left) {
				t.Errorf("%d, and %q is left; want %d, %q", got.status, r.Header[offered], tt.status, tt.left)
			}
			if _, left := r.Header[offered]; tt.lines != nil && left != (tt.left != nil) {
				t.Errorf("the field is left: %t", left) // a log of the fields' names shows also an empty one
			}
			if got.handedOn && !slices.Equal(got.request.Header[offered], tt.left) {
				t.Errorf("the handler sees %q", got.request.Header[offered])
			}
			if tt.status == 401 && !strings.HasPrefix(got.challenge(), `Bearer realm="api"`) {
				t.Errorf("the challenge is %q", got.challenge())
			}
			for _, text := range append(seen, log.buf.String()) {
				if strings.Contains(text, "good") || strings.Contains(text, "forged") {
					t.Errorf("a hook or the log sees the token: %s", text)
				}
			}
		})
	}
}

// A token in a request that is not a handshake is ignored, and removed all the
// same.
func TestWebSocketProtocolOutsideOfHandshakes(t *testing.T) {
	rt := newRoute(t, fromSources(bearer.FromAuthorization(), bearer.FromWebSocketProtocol("t.")), bearer.RouteConfig{})
	for name, r := range map[string]*http.Request{
		"GET":             requestWith("GET", offered, "t.good"),
		"POST":            requestWith("POST", offered, "t.good", "Upgrade", "websocket"),
		"another upgrade": requestWith("GET", offered, "t.good", "Upgrade", "h2c"),
		"CONNECT":         requestWith("CONNECT", offered, "t.good", "Upgrade", "websocket"),
		"another CONNECT": requestWith("CONNECT", offered, "t.good", ":protocol", "connect-udp"), // RFC 9298
	} {
		if got := serve(rt, r); got.status != 401 || r.Header[offered] != nil {
			t.Errorf("%s: %d, and %q is left", name, got.status, r.Header[offered])
		}
	}
	r := requestWith("CONNECT", ":protocol", "websocket", offered, "t.good") // RFC 8441, Section 4
	if got := serve(rt, r); got.status != 200 || r.Header[offered] != nil {
		t.Errorf("over HTTP/2: %d, and %q is left", got.status, r.Header[offered])
	}
	// Without the source, the guard leaves the field alone.
	r = handshake("t.good, chat.v1")
	if got := serve(newRoute(t, bearer.Config{}, bearer.RouteConfig{}), r); got.status != 401 || r.Header.Get(offered) != "t.good, chat.v1" {
		t.Errorf("without the source: %d, and %q is left", got.status, r.Header[offered])
	}
}

// Checklist C21: inner routes go on from the outer judgement, though the token is
// no longer in the request.
func TestWebSocketTokenOnNestedRoutes(t *testing.T) {
	counted := &counting{}
	c := counted.config()
	c.Sources = []bearer.TokenSource{bearer.FromAuthorization(), bearer.FromWebSocketProtocol("t.")}
	guard := newGuard(t, c)
	outer, inner := guard.MustRoute(bearer.RouteConfig{Rule: scope.None}), guard.MustRoute(bearer.RouteConfig{Rule: scope.None})
	other := newRoute(t, fromSources(bearer.FromWebSocketProtocol("t.")), bearer.RouteConfig{})
	otherPrefix := newRoute(t, fromSources(bearer.FromWebSocketProtocol("u.")), bearer.RouteConfig{})
	onlyHeader := newRoute(t, bearer.Config{}, bearer.RouteConfig{})
	keep := func(*http.Request) {}
	tests := []struct {
		name   string
		change func(*http.Request)
		routes []*bearer.Route
		status int
	}{
		{"of one guard", keep, []*bearer.Route{outer, inner}, 200},
		{"of three guards", keep, []*bearer.Route{outer, other, inner}, 200},
		{"of a guard with another prefix", keep, []*bearer.Route{outer, otherPrefix}, 401},
		{"of a guard that reads only Authorization", keep, []*bearer.Route{outer, onlyHeader}, 401},
		{"a request of another kind in the same context", func(r *http.Request) { r.Header.Del("Upgrade") }, []*bearer.Route{outer, inner}, 401},
		{"another token added", func(r *http.Request) { r.Header.Set("Authorization", "Bearer good") }, []*bearer.Route{outer, inner}, 400},
		{"another token in place of it", func(r *http.Request) { r.Header.Set(offered, "t.forged") }, []*bearer.Route{outer, other}, 401},
	}
	for _, tt := range tests {
		counted.verified = nil
		got := pass(handshake("t.good, chat.v1"), func(r *http.Request) *http.Request {
			r = r.Clone(r.Context())
			tt.change(r)
			return r
		}, tt.routes...)
		if got.status != tt.status || len(counted.verified) != 1 {
			t.Errorf("%s: %d, and the token was verified %d times; want %d", tt.name, got.status, len(counted.verified), tt.status)
		}
	}
	// Authenticate removes the token too, and Admit goes on from it.
	r := handshake("t.good, chat.v1")
	next, p, ok := outer.Authenticate(httptest.NewRecorder(), r)
	if !ok || p.Subject != "good" || next.Header.Get(offered) != "chat.v1" {
		t.Fatalf("Authenticate: %v %v %q", ok, p, next.Header[offered])
	}
	if got := serve(inner, next); got.status != 200 {
		t.Errorf("Admit after Authenticate: %d", got.status)
	}
	// Decide changes nothing, so it can be repeated.
	r = handshake("t.good, chat.v1")
	if first, second := other.Decide(r), other.Decide(r); !first.Allowed() || !second.Allowed() || r.Header.Get(offered) != "t.good, chat.v1" {
		t.Errorf("Decide: %v, %v, and %q is left", first.Err(), second.Err(), r.Header[offered])
	}
}

// A handshake on a connection, as a browser makes it (RFC 6455, Sections 4.1 and
// 4.2.2): the handler selects one of the other subprotocols.
func TestWebSocketHandshake(t *testing.T) {
	rt := newRoute(t, fromSources(bearer.FromWebSocketProtocol("bearer.token.")), bearer.RouteConfig{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, ok := rt.Admit(w, r)
		if !ok {
			return
		}
		connection, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer connection.Close()
		p, _ := bearer.FromContext(r.Context())
		_, _ = fmt.Fprintf(buffered, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Protocol: %s\r\n\r\n%s", r.Header.Get(offered), p.Subject)
		_ = buffered.Flush()
	}))
	defer server.Close()
	for token, want := range map[string]string{"good": "101 Switching Protocols", "forged": "401 Unauthorized"} {
		connection, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		_, _ = fmt.Fprintf(connection, "GET /chat HTTP/1.1\r\nHost: api\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"+
			"Sec-WebSocket-Protocol: chat.v1, bearer.token.%s\r\n\r\n", token)
		reader := bufio.NewReader(connection)
		resp, err := http.ReadResponse(reader, nil)
		if err != nil || resp.Status != want {
			t.Fatalf("%s: %v, %v; want %s", token, resp, err, want)
		}
		if token == "good" {
			if data, err := io.ReadAll(reader); string(data) != "alice" || err != nil || resp.Header.Get(offered) != "chat.v1" {
				t.Errorf("%q, %v, and the subprotocol is %q", data, err, resp.Header.Get(offered))
			}
		}
	}
}

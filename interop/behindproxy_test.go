package interop_test

import (
	"bufio"
	"context"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/scope"
)

// docs/behind-a-proxy.md contains these lines, fromProxy and requestID, and
// docs/streams.md contains untilExpiry and streamOrders.

const nginxLines = `large_client_header_buffers 4 32k;
proxy_pass http://127.0.0.1:8080;
proxy_set_header Host $host;
proxy_set_header X-Request-ID $request_id;
proxy_set_header X-Forwarded-For $remote_addr;
proxy_http_version 1.1;
proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection $http_connection;
proxy_buffering off;
proxy_read_timeout 1h;
`

const haproxyLines = `http-request set-header X-Request-ID %[uuid()]
http-request set-header X-Forwarded-For %[src]
timeout tunnel 1h
server api 127.0.0.1:8080
`

var proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func fromProxy(peer netip.Addr) bool {
	for _, network := range proxies {
		if network.Contains(peer.Unmap()) {
			return true
		}
	}
	return false
}

// requestID returns the ID that the proxy gave to a request. Without one, the guard
// makes an ID.
func requestID(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !fromProxy(peer.Addr()) {
		return ""
	}
	return r.Header.Get("X-Request-ID")
}

// untilExpiry returns a context that ends when the caller's token expires, or when
// the client goes.
func untilExpiry(r *http.Request) (context.Context, context.CancelFunc) {
	p, ok := bearer.FromContext(r.Context())
	if !ok || p.Expires.IsZero() {
		return context.WithCancel(r.Context())
	}
	return context.WithDeadline(r.Context(), p.Expires)
}

// streamOrders sends the orders of a channel as server-sent events.
func streamOrders(orders <-chan string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := untilExpiry(r)
		defer cancel()
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Cache-Control", "no-store")
		events := http.NewResponseController(w)
		for events.Flush() == nil {
			select {
			case order := <-orders:
				fmt.Fprintf(w, "data: %s\n\n", order)
			case <-ctx.Done():
				return
			}
		}
	}
}

// The lines of docs/behind-a-proxy.md work with the real programs.
func TestBehindAProxy(t *testing.T) {
	page, err := os.ReadFile("../docs/behind-a-proxy.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []terminator{
		{program: "nginx", lines: nginxLines, start: startNginx}, {program: "haproxy", lines: haproxyLines, start: startHAProxy},
	} {
		t.Run(p.program, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(string(page), "\n"+p.lines+"```\n") {
				t.Errorf("docs/behind-a-proxy.md does not show the lines that this test runs:\n%s", p.lines)
			}
			needProxy(t, p.program)
			b := newBehind(t, p)
			t.Run("tokens and request IDs pass", b.testPasses)
			t.Run("events arrive at once", b.testEvents)
			t.Run("WebSockets", b.testWebSocket)
			t.Run("clients cannot choose their address", b.testAddress)
		})
	}
}

// behind is an API behind a proxy.
type behind struct {
	api    *api
	url    string
	client *http.Client
	orders chan string
}

func newBehind(t *testing.T, p terminator) *behind {
	b := &behind{api: &api{events: make(map[string]bearer.Event)}, orders: make(chan string)}
	guard := b.api.guard(t, bearer.Config{
		Verifiers: []bearer.Verifier{bearertest.Principals{
			"alice": {Subject: "alice", Expires: time.Now().Add(time.Hour)}, "short": {Subject: "alice", Expires: time.Now().Add(3 * time.Second)},
			strings.Repeat("long", 3000): {Subject: "alice"},
		}},
		Sources:      []bearer.TokenSource{bearer.FromAuthorization(), bearer.FromWebSocketProtocol("bearer.token.")},
		RequestID:    requestID,
		FailureLimit: &bearer.FailureLimit{Burst: 3, Every: time.Hour, TrustedProxy: fromProxy},
	})
	protect := bearerhttp.Require(guard, scope.None)
	mux := http.NewServeMux()
	mux.Handle("GET /orders", protect(http.HandlerFunc(showPrincipal)))
	mux.Handle("GET /events", protect(streamOrders(b.orders)))
	mux.Handle("GET /chat", protect(http.HandlerFunc(echoOnce)))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	own := newServerCertificate(t)
	b.url = "https://" + p.start(t, strings.Replace(p.lines, "127.0.0.1:8080", server.Listener.Addr().String(), 1), own.cert, own.key)
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // of a proxy on loopback
	t.Cleanup(transport.CloseIdleConnections)
	b.client = &http.Client{Transport: transport}
	return b
}

// echoOnce accepts a WebSocket handshake for the subprotocol chat.v1, and sends back
// the first line that it gets. A real program uses a library.
func echoOnce(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Sec-Websocket-Protocol") != "chat.v1" {
		http.Error(w, "the token is still there", http.StatusBadRequest)
		return
	}
	connection, stream, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer connection.Close()
	accept := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) // RFC 6455, Section 4.2.2
	fmt.Fprint(stream, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: chat.v1\r\n"+
		"Sec-WebSocket-Accept: "+base64.StdEncoding.EncodeToString(accept[:])+"\r\n\r\n")
	_ = stream.Flush()
	line, _ := stream.ReadString('\n')
	fmt.Fprint(stream, line)
	_ = stream.Flush()
}

func (b *behind) get(t *testing.T, path string, header http.Header) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	response, err := b.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

func (b *behind) testPasses(t *testing.T) {
	for _, token := range []string{"alice", strings.Repeat("long", 3000)} {
		if response := b.get(t, "/orders", http.Header{"Authorization": {"Bearer " + token}}); response.StatusCode != 200 {
			t.Errorf("a token of %d characters: %s", len(token), response.Status)
		}
	}
	refused := b.get(t, "/orders", http.Header{"X-Request-Id": {"chosen-by-the-client"}})
	body, err := io.ReadAll(refused.Body)
	if err != nil {
		t.Fatal(err)
	}
	event := b.api.refusal(t, body)
	if refused.StatusCode != 401 || refused.Header.Get("WWW-Authenticate") == "" || event.RequestID == "chosen-by-the-client" || len(event.RequestID) < 32 {
		t.Errorf("%s %q, request ID %q; want the proxy's", refused.Status, refused.Header, event.RequestID)
	}
}

func (b *behind) testEvents(t *testing.T) {
	response := b.get(t, "/events", http.Header{"Authorization": {"Bearer short"}})
	events := bufio.NewReader(response.Body)
	for _, order := range []string{"1", "2"} {
		b.orders <- order
		line, err := events.ReadString('\n')
		if err != nil || line != "data: "+order+"\n" {
			t.Fatalf("%q, %v", line, err)
		}
		if _, err := events.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	if rest, err := io.ReadAll(events); err != nil || len(rest) > 0 { // until the token expires
		t.Errorf("the stream ends with %q, %v", rest, err)
	}
}

func (b *behind) testWebSocket(t *testing.T) {
	response := b.get(t, "/chat", http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Sec-Websocket-Protocol": {"chat.v1, bearer.token.alice"},
	})
	stream, ok := response.Body.(io.ReadWriter)
	if response.StatusCode != 101 || !ok {
		t.Fatal(response.Status)
	}
	fmt.Fprint(stream, "hello\n")
	if line, err := bufio.NewReader(stream).ReadString('\n'); line != "hello\n" {
		t.Errorf("%q, %v", line, err)
	}
}

func (b *behind) testAddress(t *testing.T) {
	var last int
	for n := range 4 {
		last = b.get(t, "/orders", http.Header{
			"Authorization": {"Bearer guess"}, "X-Forwarded-For": {net.IPv4(192, 0, 2, byte(n)).String()},
		}).StatusCode
	}
	if last != 429 {
		t.Errorf("the fourth guess: %d; want 429, since the client's own X-Forwarded-For does not count", last)
	}
}

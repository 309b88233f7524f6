package fetch_test

import (
	"context"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/nettest"
)

func overTLS(t *testing.T, http2 bool) *nettest.Server {
	t.Helper()
	return nettest.NewServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Proto)
	}), http2)
}

// plainTransport returns a transport that does not detect dead connections.
func plainTransport() *http.Transport { return http.DefaultTransport.(*http.Transport).Clone() }

// client returns a client with a transport whose connections end with the test.
func client(t *testing.T, transport http.RoundTripper) *fetch.Client {
	t.Helper()
	base := &http.Client{Transport: transport}
	t.Cleanup(base.CloseIdleConnections)
	return fetch.New(base, false)
}

// works checks that a request succeeds.
func works(t *testing.T, c *fetch.Client, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := c.Get(ctx, url, fetch.MaxBody); err != nil {
		t.Errorf("a request: %v", err)
	}
}

// timesOut checks that a request on a dead connection times out.
func timesOut(t *testing.T, c *fetch.Client, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := c.Get(ctx, url, fetch.MaxBody); err == nil {
		t.Error("a request on a dead connection succeeds; want a timeout")
	}
}

// Reports V6: with its own transport a client detects a dead HTTP/2 connection
// by pings. A request that waits on it fails with an error after which a retry
// helps.
func TestPingsFindADeadConnection(t *testing.T) {
	t.Parallel()
	server := overTLS(t, true)
	c := client(t, server.Trust(fetch.NewTransport()))
	works(t, c, server.URL)
	server.SetOpen(nettest.Swallow)
	ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
	defer cancel()
	if _, err := c.Get(ctx, server.URL, fetch.MaxBody); !fetch.IsReset(err) {
		t.Errorf("a request on the dead connection: %v; want a reset", err)
	}
	if err := server.AwaitClosed(ctx); err != nil {
		t.Fatalf("12 s after the network forgot the connection it is open: %v", err)
	}
	works(t, c, server.URL)
}

// Reports V6: a timeout closes the idle connections, also in a caller's
// transport. Otherwise each dead HTTP/1.1 connection would cost a timeout.
func TestTimeoutClosesIdleConnections(t *testing.T) {
	server := overTLS(t, false)
	for name, transport := range map[string]*http.Transport{"own": fetch.NewTransport(), "the caller's": plainTransport()} {
		transport.MaxIdleConnsPerHost = 8
		c := client(t, server.Trust(transport))
		server.SetDelay(50 * time.Millisecond)
		var wg sync.WaitGroup
		for range 8 { // concurrently, to open several connections
			wg.Go(func() { works(t, c, server.URL) })
		}
		wg.Wait()
		server.SetDelay(0)
		server.SetOpen(nettest.Swallow)
		timesOut(t, c, server.URL)
		before := server.Accepted()
		works(t, c, server.URL)
		if n := server.Accepted() - before; n != 1 {
			t.Errorf("transport %s: %d new connections; want 1", name, n)
		}
	}
}

// opaque is a RoundTripper that hides the methods of its transport.
type opaque struct{ http.RoundTripper }

func (o opaque) RoundTrip(r *http.Request) (*http.Response, error) {
	return o.RoundTripper.RoundTrip(r.Clone(r.Context()))
}

// Reports V6: a dead HTTP/2 connection is used for only one more request after
// a timeout, even if it is never idle or the idle connections of its transport
// cannot be closed.
func TestTimeoutRetiresAConnectionInUse(t *testing.T) {
	for _, tt := range []struct {
		name   string
		inUse  bool
		hidden bool
	}{
		{"in use", true, false},
		{"behind another RoundTripper", false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := overTLS(t, true)
			plain := server.Trust(plainTransport())
			t.Cleanup(plain.CloseIdleConnections)
			var transport http.RoundTripper = plain
			if tt.hidden {
				transport = opaque{plain}
			}
			c := client(t, transport)
			works(t, c, server.URL)
			server.SetOpen(nettest.Swallow)
			if tt.inUse {
				ctx, cancel := context.WithCancel(t.Context())
				begun := make(chan struct{})
				var wg sync.WaitGroup
				defer wg.Wait()
				defer cancel()
				wg.Go(func() {
					close(begun)
					_, _ = c.Get(ctx, server.URL, fetch.MaxBody)
				})
				<-begun
			}
			timesOut(t, c, server.URL)
			timesOut(t, c, server.URL)
			works(t, c, server.URL)
			// After a success connections are reused again.
			works(t, c, server.URL)
			before := server.Accepted()
			works(t, c, server.URL)
			if n := server.Accepted() - before; n != 0 {
				t.Errorf("%d new connections after the recovery; want none", n)
			}
		})
	}
}

// Reports V6: IsReset reports a connection that broke after it had been used
// before. It does not report a timeout.
func TestResetIsSeen(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		posted := make(chan struct{}, 1)
		server := nettest.NewServer(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				posted <- struct{}{}
			}
		}), http2)
		c := client(t, server.Trust(fetch.NewTransport()))
		works(t, c, server.URL)
		server.SetDelay(time.Minute) // of the answer
		failed := make(chan error)
		go func() {
			_, err := c.Post(t.Context(), server.URL, nil, http.Header{}, 1000)
			failed <- err
		}()
		<-posted
		server.Reset()
		if err := <-failed; !fetch.IsReset(err) {
			t.Errorf("HTTP/2 %t: %v is no reset", http2, err)
		}
		server.SetDelay(0)
		works(t, c, server.URL)
	}
}

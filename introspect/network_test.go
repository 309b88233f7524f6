package introspect_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/nettest"
	"github.com/bearerkit/bearerkit/introspect"
)

// The tests of this file put a proxy between a verifier and its issuer, which
// loses, breaks, stalls and delays connections, over HTTP/1.1 and HTTP/2. They run
// at the same time and take about five seconds. For a longer run, in random order:
//
//	BEARERKIT_NETWORK_TIME=10m go test -run Network -timeout 0 ./jwks ./introspect

// recovery is the time within which tokens must be accepted after a fault.
const recovery = 15 * time.Second

// network is a verifier that reaches its issuer over TLS, behind a proxy.
type network struct {
	issuer *bearertest.Issuer
	server *nettest.Server
	v      *introspect.Verifier
}

// transports are the transports that a program may use: the verifier's own, and one
// that does not detect dead connections.
var transports = map[string]func() *http.Transport{
	"own": fetch.NewTransport, "plain": func() *http.Transport { return http.DefaultTransport.(*http.Transport).Clone() },
}

func overNetwork(t *testing.T, issuer *bearertest.Issuer, http2, signed bool, transport func() *http.Transport) *network {
	t.Helper()
	n := &network{issuer: issuer}
	to, err := url.Parse(n.issuer.URL())
	if err != nil {
		t.Fatal(err)
	}
	behind := &http.Transport{MaxIdleConnsPerHost: 32}
	t.Cleanup(behind.CloseIdleConnections)
	n.server = nettest.NewServer(t, &httputil.ReverseProxy{
		Transport: behind, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) },
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) {},
	}, http2)
	client := &http.Client{Transport: n.server.Trust(transport())}
	t.Cleanup(client.CloseIdleConnections)
	n.v = newVerifier(t, n.issuer, func(c *introspect.Config) {
		c.Client, c.Endpoint = client, n.server.URL+"/introspect"
		c.Timeout = 2 * time.Second // two timeouts may pass until a dead connection is replaced
		if signed {
			c.Signed = &introspect.Signed{Audience: "api", JWKSURI: n.server.URL + "/jwks"}
		}
	})
	if err := n.ask(t.Context()); err != nil {
		t.Fatalf("before the fault: %v", err)
	}
	return n
}

// ask verifies a new token.
func (n *network) ask(ctx context.Context) error {
	_, err := n.v.Verify(ctx, n.issuer.MintOpaque(bearertest.Token{Audience: []string{audience}}))
	return err
}

// survives causes a fault under load, so that no connection is idle for long. Soon
// after the fault all tokens must be accepted, and until then no error may blame a
// token.
func (n *network) survives(t *testing.T, fault nettest.Fault) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var load sync.WaitGroup
	for range 2 {
		load.Go(func() {
			for ctx.Err() == nil {
				n.check(t, fault.Name, n.ask(ctx))
				select {
				case <-time.After(100 * time.Millisecond):
				case <-ctx.Done():
				}
			}
		})
	}
	defer load.Wait()
	defer cancel()
	defer n.server.SetDelay(0)

	fault.Begin(n.server.Proxy)
	if fault.End != nil {
		if err := n.ask(ctx); err == nil {
			t.Errorf("%s: a token is accepted, though nothing works", fault.Name)
		}
		fault.End(n.server.Proxy)
	}
	over := time.Now()
	for good := 0; good < 8; good++ {
		err := n.ask(ctx)
		if err == nil {
			continue
		}
		good = -1
		if since := time.Since(over); since > recovery {
			t.Errorf("%s: not all tokens are accepted %v after it is over: %v", fault.Name, since, err)
			return
		}
		<-time.After(50 * time.Millisecond)
	}
}

// check checks that an error does not blame the token.
func (n *network) check(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil || errors.Is(err, context.Canceled) {
		return
	}
	if e, ok := errors.AsType[*bearer.Error](err); !ok || e.Code != bearer.CodeUnavailable {
		t.Errorf("%s: %v; want 503 until the network works", what, err)
	}
}

// Reports V6: after each network fault tokens are accepted within 15 s. So are
// answers signed with a new key of the issuer (RFC 9701), which is fetched over the
// same connections.
func TestNetworkOfIntrospection(t *testing.T) {
	t.Parallel()
	shared := newIssuer(t, bearertest.Client{ID: "api", Secret: "secret"})
	tests := map[string]func(t *testing.T){}
	for name, transport := range transports {
		for _, http2 := range []bool{false, true} {
			for _, fault := range nettest.Faults() {
				if name == "plain" && fault.End != nil {
					continue // these cases test the detection of dead connections
				}
				n := overNetwork(t, shared, http2, false, transport)
				tests[fmt.Sprintf("%s, HTTP/2 %t, transport %s", fault.Name, http2, name)] = func(t *testing.T) {
					n.survives(t, fault)
				}
			}
			// HTTP/2 uses one connection for keys and answers.
			n := overNetwork(t, newIssuer(t, bearertest.Client{ID: "api", Secret: "secret"}), http2, true, transport)
			tests[fmt.Sprintf("signed answers, HTTP/2 %t, transport %s", http2, name)] = func(t *testing.T) {
				if _, err := n.issuer.Rotate("RS256"); err != nil {
					t.Fatal(err)
				}
				n.survives(t, nettest.Faults()[0])
			}
		}
	}
	nettest.InParallel(t, tests)
}

// Reports V6: a verifier survives faults in random order.
func TestNetworkOfIntrospectionForLonger(t *testing.T) {
	length := nettest.Run(t)
	if length == 0 {
		t.Skip("BEARERKIT_NETWORK_TIME is not set")
	}
	tests := map[string]func(t *testing.T){}
	for name, transport := range transports {
		for _, http2 := range []bool{false, true} {
			n := overNetwork(t, newIssuer(t, bearertest.Client{ID: "api", Secret: "secret"}), http2, http2, transport)
			tests[fmt.Sprintf("HTTP/2 %t, transport %s", http2, name)] = func(t *testing.T) {
				rounds := 0
				for end := time.Now().Add(length); time.Now().Before(end) && !t.Failed(); rounds++ {
					if _, err := n.issuer.AddKey("RS256"); err != nil {
						t.Fatal(err)
					}
					n.survives(t, nettest.RandomFault())
				}
				t.Logf("%d faults", rounds)
			}
		}
	}
	nettest.InParallel(t, tests)
}

package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/nettest"
	"github.com/bearerkit/bearerkit/jwks"
)

// The tests of this file put a proxy between a verifier and its issuer that
// loses, breaks, stalls and delays connections, over HTTP/1.1 and HTTP/2. They
// take some ten seconds, at the same time. A longer run, in random order:
//
//	BEARERKIT_NETWORK_TIME=10m go test -run Network -timeout 0 ./jwks ./introspect

// recovery is how soon after the network works again a key must be found.
const recovery = 15 * time.Second

// transports are those that a program may have: that of the verifier, and one of
// its own, which does not look for dead connections.
var transports = map[string]func() *http.Transport{
	"own": fetch.NewTransport, "plain": func() *http.Transport { return http.DefaultTransport.(*http.Transport).Clone() },
}

// rotation is an issuer with a token of a key that it has published, and one of a
// key that it publishes next.
type rotation struct {
	issuer        *bearertest.Issuer
	known, fresh  string // tokens
	before, after []byte // key sets
}

func rotate(t *testing.T, issuer *bearertest.Issuer) rotation {
	t.Helper()
	r := rotation{issuer: issuer, known: issuer.Mint(bearertest.Token{}), before: issuer.KeySet()}
	if _, err := issuer.AddKey("ES256"); err != nil {
		t.Fatal(err)
	}
	r.fresh, r.after = issuer.Mint(bearertest.Token{}), issuer.KeySet()
	return r
}

// network is a verifier that reaches its issuer's metadata and keys over TLS,
// behind a proxy.
type network struct {
	*nettest.Server
	v    *jwks.Verifier
	keys atomic.Value // the key set, as bytes
}

// overNetwork returns a network in that mode at first.
func overNetwork(t *testing.T, r rotation, http2 bool, transport func() *http.Transport, mode nettest.Mode) *network {
	t.Helper()
	mux := http.NewServeMux()
	n := &network{Server: nettest.NewServer(t, mux, http2)}
	n.keys.Store(r.before)
	n.SetNew(mode)
	mux.HandleFunc("GET /metadata", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":"%s/keys"}`, r.issuer.URL(), n.URL)
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) { w.Write(n.keys.Load().([]byte)) })
	client := &http.Client{Transport: n.Trust(transport())}
	t.Cleanup(client.CloseIdleConnections)
	n.v = newVerifier(t, jwks.Config{
		Issuers: []jwks.Issuer{{
			URL: r.issuer.URL(), Audience: []string{audience}, Keys: jwks.KeysFromMetadata(n.URL + "/metadata"),
		}},
		Client: client,
		// A new key for each fault would wait for the budget otherwise.
		RefreshBudget: time.Second,
	})
	if mode == nettest.Forward {
		accepts(t, n.v, r.known, "before the fault")
	}
	return n
}

// survives lets a fault happen and the issuer rotate its keys. A known key works
// all the while, and the new one is found soon after the fault is over; until
// then nobody is told that the token is bad.
func (n *network) survives(t *testing.T, fault nettest.Fault, r rotation) {
	t.Helper()
	fault.Begin(n.Proxy)
	defer n.SetDelay(0)
	n.keys.Store(r.after)
	if fault.End != nil {
		var wg sync.WaitGroup
		wg.Go(func() { refuses(t, n.v, r.fresh, fault.Name+": a new key", bearer.CodeUnavailable) })
		for range 3 {
			accepts(t, n.v, r.known, fault.Name+": a known key")
		}
		wg.Wait()
		fault.End(n.Proxy)
	}
	found(t, n.v, r.fresh, fault.Name)
}

// found waits until a token is accepted, as its client does that is told when to
// come back.
func found(t *testing.T, v *jwks.Verifier, token, what string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), recovery)
	defer cancel()
	for {
		_, err := v.Verify(ctx, token)
		if err == nil {
			return
		}
		e, ok := errors.AsType[*bearer.Error](err)
		if ctx.Err() != nil {
			t.Errorf("%s: a new key is not found after %v: %v", what, recovery, err)
			return
		}
		if !ok || e.Code != bearer.CodeUnavailable {
			t.Errorf("%s: a new key: %v; want 503 until it is found", what, err)
			return
		}
		select {
		case <-time.After(e.RetryAfter):
		case <-ctx.Done():
		}
	}
}

// Reports V6: after each fault of the network a new key is found within 15 s,
// and a program that starts while nothing works, the metadata first of all, has
// its keys within 15 s.
func TestNetworkOfKeys(t *testing.T) {
	t.Parallel()
	r := rotate(t, newIssuer(t, bearertest.IssuerConfig{}))
	tests := map[string]func(t *testing.T){}
	for name, transport := range transports {
		for _, http2 := range []bool{false, true} {
			for _, fault := range nettest.Faults() {
				if name == "plain" && fault.End != nil {
					continue // what is tested is who finds a dead connection
				}
				n := overNetwork(t, r, http2, transport, nettest.Forward)
				tests[fmt.Sprintf("%s, HTTP/2 %t, transport %s", fault.Name, http2, name)] = func(t *testing.T) {
					n.survives(t, fault, r)
				}
			}
		}
		for _, mode := range []nettest.Mode{nettest.Swallow, nettest.Stall} {
			tests[fmt.Sprintf("at the start, mode %d, transport %s", mode, name)] = func(t *testing.T) {
				n := overNetwork(t, r, true, transport, mode)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if _, err := n.v.Verify(ctx, r.known); err == nil {
					t.Error("a token without keys is accepted")
				}
				n.SetNew(nettest.Forward)
				found(t, n.v, r.known, "after the start")
			}
		}
	}
	nettest.InParallel(t, tests)
}

// Reports V6, V17: one verifier through faults in random order.
func TestNetworkOfKeysForLonger(t *testing.T) {
	length := nettest.Run(t)
	if length == 0 {
		t.Skip("BEARERKIT_NETWORK_TIME is not set")
	}
	tests := map[string]func(t *testing.T){}
	for name, transport := range transports {
		for _, http2 := range []bool{false, true} {
			r := rotate(t, newIssuer(t, bearertest.IssuerConfig{}))
			n := overNetwork(t, r, http2, transport, nettest.Forward)
			tests[fmt.Sprintf("HTTP/2 %t, transport %s", http2, name)] = func(t *testing.T) {
				rounds := 0
				for end := time.Now().Add(length); time.Now().Before(end) && !t.Failed(); rounds++ {
					n.survives(t, nettest.RandomFault(), r)
					r = rotate(t, r.issuer)
				}
				t.Logf("%d faults", rounds)
			}
		}
	}
	nettest.InParallel(t, tests)
}

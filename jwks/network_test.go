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

// The tests of this file put a proxy between a verifier and its issuer. The proxy
// loses, breaks, stalls and delays connections. By default they use the
// verifier's own transport and HTTP/2, which detect a dead connection soonest.
// BEARERKIT_NETWORK_TIME adds HTTP/1.1, another transport, and faults in random
// order for that time:
//
//	BEARERKIT_NETWORK_TIME=10m go test -run Network -timeout 0 ./jwks ./introspect

// recovery is the time in which a key must be found once the network works.
const recovery = 15 * time.Second

// transports are the verifier's own, and one that a program may pass, which does
// not detect dead connections.
var transports = map[string]func() *http.Transport{
	"own": fetch.NewTransport, "plain": func() *http.Transport { return http.DefaultTransport.(*http.Transport).Clone() },
}

// rotation is an issuer that has published one key and publishes another next,
// with a token of each.
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

// network is a verifier that reaches its issuer's metadata and keys through a
// proxy, over TLS.
type network struct {
	*nettest.Server
	v    *jwks.Verifier
	keys atomic.Value // the key set, as bytes
}

// overNetwork returns a network whose proxy begins in the given mode.
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
		// So that the new key of each fault need not wait for the budget.
		RefreshBudget: time.Second,
	})
	if mode == nettest.Forward {
		accepts(t, n.v, r.known, "before the fault")
	}
	return n
}

// survives makes a fault happen while the issuer rotates its keys. A known key
// always works. The new key is found soon after the fault is over, and until then
// its token is not called invalid.
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

// found waits until a token is accepted, like a client that obeys Retry-After.
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

// Reports V6: a new key is found within 15 s after each fault of the network. A
// program that starts during a fault has its keys within 15 s after it.
func TestNetworkOfKeys(t *testing.T) {
	t.Parallel()
	thorough := nettest.Run(t) > 0
	r := rotate(t, newIssuer(t, bearertest.IssuerConfig{}))
	tests := map[string]func(t *testing.T){}
	for name, transport := range transports {
		if name == "plain" && !thorough {
			continue
		}
		for _, http2 := range []bool{false, true} {
			if !http2 && !thorough {
				continue
			}
			for _, fault := range nettest.Faults() {
				if name == "plain" && fault.End != nil {
					continue // does not depend on who detects a dead connection
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
					t.Error("a token is accepted without keys")
				}
				n.SetNew(nettest.Forward)
				found(t, n.v, r.known, "after the start")
			}
		}
	}
	nettest.InParallel(t, tests)
}

// Reports V6, V17: one verifier survives faults in random order.
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

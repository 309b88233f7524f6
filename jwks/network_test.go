package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
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

// overNetwork serves the metadata and keys of an issuer over TLS, behind a proxy.
func overNetwork(t *testing.T, http2 bool) (*bearertest.Issuer, *nettest.Server) {
	t.Helper()
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	mux := http.NewServeMux()
	server := nettest.NewServer(t, mux, http2)
	mux.HandleFunc("GET /metadata", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":"%s/keys"}`, issuer.URL(), server.URL)
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) { w.Write(issuer.KeySet()) })
	return issuer, server
}

// transports are those that a program may have: that of the verifier, and one of
// its own, which does not look for dead connections.
var transports = map[string]func() *http.Transport{
	"own": fetch.NewTransport, "plain": func() *http.Transport { return http.DefaultTransport.(*http.Transport).Clone() },
}

func overTransport(t *testing.T, issuer *bearertest.Issuer, server *nettest.Server, transport func() *http.Transport) *jwks.Verifier {
	t.Helper()
	client := &http.Client{Transport: server.Trust(transport())}
	t.Cleanup(client.CloseIdleConnections)
	return newVerifier(t, jwks.Config{
		Issuers: []jwks.Issuer{{
			URL: issuer.URL(), Audience: []string{audience}, Keys: jwks.KeysFromMetadata(server.URL + "/metadata"),
		}},
		Client: client,
		// A new key for each fault would wait for the budget otherwise.
		RefreshBudget: time.Second,
	})
}

// survives lets a fault happen. A known key works all the while, and a new one is
// found soon after the fault is over; until then nobody is told that the token is
// bad.
func survives(t *testing.T, issuer *bearertest.Issuer, server *nettest.Server, v *jwks.Verifier, fault nettest.Fault) {
	t.Helper()
	fault.Begin(server.Proxy)
	defer server.SetDelay(0)
	known := issuer.Mint(bearertest.Token{})
	if _, err := issuer.AddKey("ES256"); err != nil {
		t.Fatal(err)
	}
	token := issuer.Mint(bearertest.Token{})
	if fault.End != nil {
		var wg sync.WaitGroup
		wg.Go(func() { refuses(t, v, token, fault.Name+": a new key", bearer.CodeUnavailable) })
		for range 3 {
			if _, err := v.Verify(t.Context(), known); err != nil {
				t.Errorf("%s: a known key: %v", fault.Name, err)
			}
		}
		wg.Wait()
		fault.End(server.Proxy)
	}
	found(t, v, token, fault.Name)
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
	tests := map[string]func(t *testing.T){}
	for name, transport := range transports {
		for _, http2 := range []bool{false, true} {
			for _, fault := range nettest.Faults() {
				if name == "plain" && fault.End != nil {
					continue // what is tested is who finds a dead connection
				}
				tests[fmt.Sprintf("%s, HTTP/2 %t, transport %s", fault.Name, http2, name)] = func(t *testing.T) {
					issuer, server := overNetwork(t, http2)
					v := overTransport(t, issuer, server, transport)
					accepts(t, v, issuer.Mint(bearertest.Token{}), "before the fault")
					survives(t, issuer, server, v, fault)
				}
			}
		}
		for _, mode := range []nettest.Mode{nettest.Swallow, nettest.Stall} {
			tests[fmt.Sprintf("at the start, mode %d, transport %s", mode, name)] = func(t *testing.T) {
				issuer, server := overNetwork(t, true)
				server.SetNew(mode)
				v := overTransport(t, issuer, server, transport)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if _, err := v.Verify(ctx, issuer.Mint(bearertest.Token{})); err == nil {
					t.Error("a token without keys is accepted")
				}
				server.SetNew(nettest.Forward)
				found(t, v, issuer.Mint(bearertest.Token{}), "after the start")
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
			tests[fmt.Sprintf("HTTP/2 %t, transport %s", http2, name)] = func(t *testing.T) {
				issuer, server := overNetwork(t, http2)
				v := overTransport(t, issuer, server, transport)
				accepts(t, v, issuer.Mint(bearertest.Token{}), "before the first fault")
				rounds := 0
				for end := time.Now().Add(length); time.Now().Before(end) && !t.Failed(); rounds++ {
					survives(t, issuer, server, v, nettest.RandomFault())
				}
				t.Logf("%d faults", rounds)
			}
		}
	}
	nettest.InParallel(t, tests)
}

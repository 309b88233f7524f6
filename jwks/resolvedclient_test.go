package jwks_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/bearerkit/bearerkit/jwks"
)

// If Resolve returns another Client each time, an issuer's keys are fetched again
// after Reconfigure. Its tokens wait for that; the limit of new issuers does not
// apply.
func TestResolveReturnsAnotherClientEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		f.delay = 10 * time.Millisecond
		tenants := newTable(f)
		c := tenants.config()
		c.Resolve = func(ctx context.Context, iss string) (jwks.Issuer, error) {
			i, err := tenants.resolve(ctx, iss)
			i.Client = &http.Client{Transport: f}
			return i, err
		}
		v := newVerifier(t, c)
		const count = 300 // more than may be new at a time
		tokens := make([]string, count)
		for n := range tokens {
			tenants.set(fmt.Sprint(n), true)
			tokens[n] = f.token(fmt.Sprint(n), "1")
			accept(t, v, tokens[n])
		}
		reconfigure(t, v, c)
		asked := f.requests("")
		answers := make([]<-chan error, count)
		for n, token := range tokens {
			answers[n] = verifying(v, token)
		}
		for n, answer := range answers {
			if err := <-answer; err != nil {
				t.Errorf("tenant %d: %v", n, err)
			}
		}
		if n := f.requests("") - asked; n != 2*count {
			t.Errorf("%d requests, want metadata and keys of each tenant", n)
		}
		if n := v.Stats().Resolve.Live; n != count {
			t.Errorf("%d live issuers", n)
		}
	})
}

// servedFarm returns a farm on a socket, and counts its connections.
func servedFarm(t *testing.T) (f *farm, connections *connectionCount) {
	t.Helper()
	f, connections = newFarm(), new(connectionCount)
	server := httptest.NewUnstartedServer(f)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			connections.opened.Add(1)
		case http.StateClosed:
			connections.closed.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	f.base = server.URL
	return f, connections
}

type connectionCount struct{ opened, closed atomic.Int64 }

// awaitNone waits until no connection is open.
func (c *connectionCount) awaitNone(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); c.opened.Load() > c.closed.Load(); elapse(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are open", c.opened.Load()-c.closed.Load())
		}
	}
}

// A client that Resolve returned leaves no connections behind when its issuer is
// closed or gets another client.
func TestResolvedClientsLeaveNoConnections(t *testing.T) {
	f, connections := servedFarm(t)
	c := jwks.Config{Resolve: func(_ context.Context, iss string) (jwks.Issuer, error) {
		i := f.issuer(strings.TrimPrefix(iss, f.base+"/t/"))
		i.Client = &http.Client{Transport: new(http.Transport)}
		return i, nil
	}}
	v := newVerifier(t, c)
	for range 20 {
		accept(t, v, f.token("a", "1"))
		reconfigure(t, v, c)
	}
	accept(t, v, f.token("a", "1"))
	v.Close()
	connections.awaitNone(t)
}

// Issuers of one host share the connections of the default client, also while
// others of them come and go. It closes them after the last issuer.
func TestIssuersShareConnections(t *testing.T) {
	f, connections := servedFarm(t)
	v := newVerifier(t, jwks.Config{Issuers: f.issuers("a")})
	accept(t, v, f.token("a", "1"))
	for _, name := range []string{"b", "given", "c"} {
		issuers := f.issuers("a", name)
		if name == "given" { // without a client
			issuers[1].Keys = f.given(name)
		}
		reconfigure(t, v, jwks.Config{Issuers: issuers})
		accept(t, v, f.token(name, "1"))
		reconfigure(t, v, jwks.Config{Issuers: f.issuers("a")})
	}
	if n := connections.opened.Load(); n != 1 {
		t.Errorf("%d connections, want one", n)
	}
	v.Close()
	connections.awaitNone(t)
}

// The verifier keeps nothing of a client that no issuer uses any more.
func TestUnusedClientsAreForgotten(t *testing.T) {
	f := newFarm()
	c := jwks.Config{Client: f.client, Issuers: f.issuers("b"), CacheEntries: -1} // since a cached token knows its issuer
	v := newVerifier(t, c)
	used := func() weak.Pointer[http.Client] {
		client := &http.Client{Transport: f}
		c := c
		c.Issuers = f.issuers("a", "b")
		c.Issuers[0].Client = client
		reconfigure(t, v, c)
		accept(t, v, f.token("a", "1"))
		return weak.Make(client)
	}()
	if used.Value() == nil {
		t.Fatal("the client is gone while it is used")
	}
	reconfigure(t, v, c)
	for deadline := time.Now().Add(10 * time.Second); used.Value() != nil; elapse(10 * time.Millisecond) {
		if runtime.GC(); time.Now().After(deadline) {
			t.Fatal("the client is still in memory")
		}
	}
	accept(t, v, f.token("b", "1"))
}

// Closing an issuer does not touch the connections of http.DefaultTransport, which
// the rest of the program uses, and which no client of ours does.
func TestClientsLeaveTheDefaultTransportAlone(t *testing.T) {
	f, connections := servedFarm(t)
	ask := func() {
		t.Helper()
		response, err := http.Get(f.base)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			t.Fatal(err)
		}
	}
	ask()
	v := newVerifier(t, jwks.Config{Resolve: func(context.Context, string) (jwks.Issuer, error) {
		i := f.issuer("a")
		i.Client = new(http.Client)
		return i, nil
	}})
	accept(t, v, f.token("a", "1"))
	v.Close()
	before := connections.opened.Load()
	ask()
	if n := connections.opened.Load() - before; n != 0 {
		t.Errorf("%d new connections of the program", n)
	}
}

// C19: an issuer whose fetch does not end, whatever its context says, delays no
// other issuer's token when it is evicted. Close waits for it.
func TestEvictionWaitsForNoFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		var hang atomic.Bool
		release := make(chan struct{})
		tenants := newTable(f, "a", "b")
		c := tenants.config()
		c.MaxResolved = 1
		c.Client = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if hang.Load() && strings.Contains(r.URL.Path, "/t/a") {
				<-release
			}
			return f.RoundTrip(r)
		})}
		v := newVerifier(t, c)
		accept(t, v, f.token("a", "1"))
		hang.Store(true)
		elapse(time.Hour - time.Minute)
		waiting := verifying(v, f.token("a", "2"))
		synctest.Wait()
		begin := time.Now()
		accept(t, v, f.token("b", "1"))
		if took := time.Since(begin); took > 0 {
			t.Errorf("another issuer's token took %v", took)
		}
		if n := v.Stats().Resolve.Live; n != 1 {
			t.Errorf("%d live issuers", n)
		}
		closed := make(chan struct{})
		go func() { v.Close(); close(closed) }()
		synctest.Wait()
		select {
		case <-closed:
			t.Error("closed while a fetch is under way")
		default:
		}
		close(release)
		<-closed
		<-waiting
	})
}

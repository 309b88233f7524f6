package jwks_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/jwks"
)

// closings counts, for each tenant, how often the verifier gave up its client.
type closings struct {
	mu     sync.Mutex
	closed map[string]int
}

type closable struct {
	http.RoundTripper
	close func()
}

func (c closable) CloseIdleConnections() { c.close() }

// clients returns a Config.Resolve whose issuers have a client each, and the
// closings of these clients.
func (t *table) clients() (func(context.Context, string) (jwks.Issuer, error), *closings) {
	c := &closings{closed: map[string]int{}}
	var mu sync.Mutex
	clients := map[string]*http.Client{}
	return func(ctx context.Context, iss string) (jwks.Issuer, error) {
		i, err := t.resolve(ctx, iss)
		if err != nil {
			return i, err
		}
		mu.Lock()
		defer mu.Unlock()
		name := strings.TrimPrefix(iss, t.farm.base+"/t/")
		if clients[name] == nil {
			clients[name] = &http.Client{Transport: closable{t.farm, func() {
				c.mu.Lock()
				defer c.mu.Unlock()
				c.closed[name]++
			}}}
		}
		i.Client = clients[name]
		return i, nil
	}, c
}

func (c *closings) of(name string) int {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed[name]
}

// After Reconfigure, an issuer's keys are kept until its next token, but not for
// longer than ResolvedIdle, and not if it is refused, or is now in Config.Issuers,
// or has never had a good token.
func TestKeysKeptForResolve(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(tenants *table, c *jwks.Config)
		then   func(t *testing.T, v *jwks.Verifier, f *farm)
		closed int // how often the keys of tenant a were given up
		fetch  bool
	}{
		{"its next token", nil, func(*testing.T, *jwks.Verifier, *farm) {}, 0, false},
		{"its next token, after some minutes", nil, func(*testing.T, *jwks.Verifier, *farm) { elapse(20 * time.Minute) }, 0, true},
		{"a long pause", nil, func(*testing.T, *jwks.Verifier, *farm) { elapse(3 * time.Hour) }, 1, true},
		{"it is refused meanwhile", func(tenants *table, _ *jwks.Config) { tenants.set("a", false) },
			func(t *testing.T, v *jwks.Verifier, f *farm) {
				unrecognized(t, v, f.token("a", "2"))
				elapse(time.Minute)
			}, 1, true},
		{"it is in Issuers meanwhile", func(tenants *table, c *jwks.Config) { c.Issuers = tenants.farm.issuers("a") },
			func(*testing.T, *jwks.Verifier, *farm) {}, 1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFarm()
				tenants := newTable(f, "a", "unproven")
				c := tenants.config()
				resolve, closed := tenants.clients()
				c.Resolve = resolve
				v := newVerifier(t, c)
				accept(t, v, f.token("a", "1"))
				_, _ = v.Verify(t.Context(), f.forged("unproven", "1"))
				old := f.signed(farmKey("unproven"), "unproven", "2", `,"nbf":4000000000`)
				if _, err := v.Verify(t.Context(), old); refusedWith(err) == nil || refusedWith(err).Check != "nbf" {
					t.Errorf("%v, want a refusal by nbf", err)
				}
				asked := f.requests("a")
				if tt.change != nil {
					tt.change(tenants, &c)
				}
				reconfigure(t, v, c)
				if n := closed.of("unproven"); n != 1 {
					t.Errorf("an issuer without a good token was closed %d times, want 1", n)
				}
				tt.then(t, v, f)
				if n := closed.of("a"); n != tt.closed {
					t.Errorf("closed %d times, want %d", n, tt.closed)
				}
				tenants.set("a", true)
				accept(t, v, f.token("a", "3"))
				if fetched := f.requests("a") != asked; fetched != tt.fetch {
					t.Errorf("fetched again: %t, want %t", fetched, tt.fetch)
				}
				elapse(2 * time.Hour)
				if n, live := closed.of("a"), v.Stats().Resolve.Live; n != tt.closed+1 && len(c.Issuers) == 0 || live != 0 {
					t.Errorf("closed %d times at the end, and %d live", n, live)
				}
			})
		})
	}
}

// If a new configuration keeps fewer issuers, it keeps those that were used last.
func TestReconfigureKeepsTheIssuersUsedLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		tenants := newTable(f)
		c := tenants.config()
		resolve, closed := tenants.clients()
		c.Resolve = resolve
		v := newVerifier(t, c)
		for n := range 12 {
			tenants.set(fmt.Sprint(n), true)
			accept(t, v, f.token(fmt.Sprint(n), "1"))
			elapse(2 * time.Second)
		}
		c.MaxResolved = 5
		reconfigure(t, v, c)
		for n := range 12 {
			if got, want := closed.of(fmt.Sprint(n)) == 0, n >= 12-5; got != want {
				t.Errorf("issuer %d: kept: %t, want %t", n, got, want)
			}
		}
	})
}

// An issuer that comes back after Reconfigure counts for MaxResolved, as a new one
// with a good token does.
func TestReturningIssuersCountForMaxResolved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		tenants := newTable(f, "a", "b", "c", "d")
		c := tenants.config()
		c.MaxResolved = 2
		v := newVerifier(t, c)
		accept(t, v, f.token("a", "1"))
		reconfigure(t, v, c)
		for _, name := range []string{"b", "c", "a"} {
			accept(t, v, f.token(name, "2"))
			elapse(2 * time.Second)
		}
		if n := v.Stats().Resolve.Live; n != 2 || v.Ready(f.url("a"), f.url("c")) != nil {
			t.Errorf("%d are live; want a and c", n)
		}
		// An issuer that was closed leaves its place to another.
		elapse(59 * time.Minute)
		accept(t, v, f.token("c", "3"))
		elapse(20 * time.Minute)
		accept(t, v, f.token("d", "1"))
		if n := v.Stats().Resolve.Live; n != 2 || v.Ready(f.url("c"), f.url("d")) != nil {
			t.Errorf("%d are live; want c and d", n)
		}
	})
}

// Without Config.MaxResolved, a thousand issuers are live.
func TestDefaultMaxResolved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		tenants := newTable(f)
		v := newVerifier(t, tenants.config())
		for n := range 1001 {
			tenants.set(fmt.Sprint(n), true)
			accept(t, v, f.token(fmt.Sprint(n), "1"))
			if live := v.Stats().Resolve.Live; live != min(n+1, 1000) {
				t.Fatalf("%d are live after %d", live, n+1)
			}
			elapse(10 * time.Millisecond)
		}
		if v.Ready(f.url("0")) == nil || v.Ready(f.url("1")) != nil {
			t.Error("want that the first one was evicted")
		}
	})
}

// Of the issuers without a good token, the oldest is evicted.
func TestOldestNewcomerIsEvicted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		tenants := newTable(f, "proven")
		v := newVerifier(t, tenants.config())
		accept(t, v, f.token("proven", "1"))
		for n := range 70 {
			elapse(time.Second)
			tenants.set(fmt.Sprint(n), true)
			_, _ = v.Verify(t.Context(), f.forged(fmt.Sprint(n), "1"))
		}
		for n := range 70 {
			if got, want := v.Ready(f.url(fmt.Sprint(n))) == nil, n >= 70-64; got != want {
				t.Errorf("newcomer %d: live: %t, want %t", n, got, want)
			}
		}
		if err := v.Ready(f.url("proven")); err != nil {
			t.Error(err)
		}
	})
}

// Newcomers that come and go take no place from the issuers with good tokens.
func TestNewcomersDoNotCountForMaxResolved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		tenants := newTable(f)
		c := tenants.config()
		c.MaxResolved = 3
		v := newVerifier(t, c)
		prove := func(from, to int) {
			for n := from; n < to; n++ {
				tenants.set(fmt.Sprint("good", n), true)
				accept(t, v, f.token(fmt.Sprint("good", n), "1"))
				elapse(2 * time.Second)
			}
		}
		prove(0, 2)
		for n := range 100 {
			tenants.set(fmt.Sprint(n), true)
			_, _ = v.Verify(t.Context(), f.forged(fmt.Sprint(n), "1"))
		}
		prove(2, 6)
		if n := v.Stats().Resolve.Live; n != 63+3 || v.Ready(f.url("good3"), f.url("good4"), f.url("good5")) != nil {
			t.Errorf("%d are live, want 63 newcomers and 3 others", n)
		}
		for n := range 3 {
			if v.Ready(f.url(fmt.Sprint("good", n))) == nil {
				t.Errorf("good%d was not evicted", n)
			}
		}
	})
}

// After Close, no issuer is evicted: Verify still uses the keys it has.
func TestNoEvictionAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		tenants := newTable(f, "a", "b")
		c := tenants.config()
		c.MaxResolved = 1
		v := newVerifier(t, c)
		accept(t, v, f.token("a", "1"))
		_, _ = v.Verify(t.Context(), f.forged("b", "1"))
		v.Close()
		accept(t, v, f.token("b", "2"))
		accept(t, v, f.token("a", "2"))
		if n := v.Stats().Resolve.Live; n != 2 {
			t.Errorf("%d are live", n)
		}
		elapse(3 * time.Hour)
		if n := v.Stats().Resolve.Live; n != 2 {
			t.Errorf("%d are live after three hours", n)
		}
	})
}

// An issuer that Resolve approves again with other settings keeps its keys. Its
// cached tokens are verified again, and its malformed claims are logged.
func TestResolvedIssuerWithOtherSettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		tenants := newTable(f, "a")
		c := tenants.config()
		var log lockedBuffer
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		var more atomic.Bool
		c.Resolve = func(ctx context.Context, iss string) (jwks.Issuer, error) {
			i, err := tenants.resolve(ctx, iss)
			if more.Load() {
				i.Audience = append(i.Audience, "other")
			}
			return i, err
		}
		v := newVerifier(t, c)
		token := f.token("a", "1")
		accept(t, v, token)
		asked, signatures := f.requests("a"), v.Stats().Signatures
		more.Store(true)
		reconfigure(t, v, c)
		accept(t, v, f.token("a", "2", `,"acr":7`))
		accept(t, v, token)
		if n := v.Stats().Signatures - signatures; n != 2 {
			t.Errorf("%d signatures, want those of both tokens", n)
		}
		if n := f.requests("a") - asked; n != 0 {
			t.Errorf("%d requests for keys that stay", n)
		}
		if n := strings.Count(log.String(), "claim=acr"); n != 1 {
			t.Errorf("%d records of a malformed acr in %s", n, log.String())
		}
		for range 60 {
			elapse(time.Minute)
			accept(t, v, f.token("a", "3"))
		}
		if f.requests("a") == asked {
			t.Error("the keys are not refreshed any more")
		}
	})
}

// The program's own client stays open when the issuers that use it are closed.
func TestConfigClientStaysOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		tenants := newTable(f, "a")
		c := tenants.config()
		var closed atomic.Int64
		c.Client = &http.Client{Transport: closable{f, func() { closed.Add(1) }}}
		v := newVerifier(t, c)
		accept(t, v, f.token("a", "1"))
		v.Close()
		if n := closed.Load(); n != 0 {
			t.Errorf("closed %d times", n)
		}
	})
}

// A very short ResolvedIdle does not keep the verifier busy.
func TestShortResolvedIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		c := newTable(f, "a").config()
		c.ResolvedIdle = 1
		v := newVerifier(t, c)
		accept(t, v, f.token("a", "1"))
		elapse(2 * time.Second)
		if n := v.Stats().Resolve.Live; n != 0 {
			t.Errorf("%d are live", n)
		}
	})
}

// A token whose issuer is closed while it waits for the keys waits for them again,
// but not more than twice. A token that is bad is not verified again.
func TestTokenWaitsAgainForItsIssuer(t *testing.T) {
	for _, tt := range []struct {
		name   string
		idle   time.Duration // ResolvedIdle
		calls  uint64
		accept bool
	}{{"never closed", time.Hour, 1, true}, {"closed each second", time.Second, 3, false}} {
		synctest.Test(t, func(t *testing.T) {
			f := newFarm()
			c := newTable(f, "a").config()
			c.ResolvedIdle = tt.idle
			v := newVerifier(t, c)
			f.delay = 3 * time.Second // of the metadata, and of the keys
			_, err := v.Verify(t.Context(), f.token("a", "1"))
			if (err == nil) != tt.accept || err != nil && codeOf(err) != bearer.CodeUnavailable {
				t.Errorf("%s: %v; want accepted: %t", tt.name, err, tt.accept)
			}
			if n := v.Stats().Resolve.Calls; n != tt.calls {
				t.Errorf("%s: %d calls of Resolve, want %d", tt.name, n, tt.calls)
			}
			f.delay = 0
			accept(t, v, f.token("a", "2"))
			signatures := v.Stats().Signatures
			if _, err := v.Verify(t.Context(), f.forged("a", "3")); refusedWith(err) == nil || refusedWith(err).Check != "signature" {
				t.Errorf("%s: %v, want a refusal by signature", tt.name, err)
			}
			if n := v.Stats().Signatures - signatures; n != 1 {
				t.Errorf("%s: %d signature checks of a forged token", tt.name, n)
			}
		})
	}
}

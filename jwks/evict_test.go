package jwks_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/jwks"
)

// C19, reports V1 to V5: an attacker who knows the names of all tenants sends
// forged tokens. They evict no tenant with a good token, their first fetches are
// limited, and the answer beyond the limit is 503.
func TestForgedTokensEvictNoProvenIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		tenants := newTable(f)
		c := tenants.config()
		c.MaxResolved = 10
		c.Resolve = func(_ context.Context, iss string) (jwks.Issuer, error) {
			return f.issuer(strings.TrimPrefix(iss, f.base+"/t/")), nil
		}
		v := newVerifier(t, c)
		for n := range 10 {
			accept(t, v, f.token(fmt.Sprint("good", n), "1"))
		}
		begin, codes := time.Now(), map[bearer.Code]int{}
		for n := range 1000 {
			_, err := v.Verify(t.Context(), f.forged(fmt.Sprint("known", n), "1"))
			codes[codeOf(err)]++
		}
		if time.Since(begin) != 0 || codes[bearer.CodeInvalidToken] != 190 || codes[bearer.CodeUnavailable] != 810 {
			t.Errorf("%v within %v; want 200 first fetches, and 503 for the others", codes, time.Since(begin))
		}
		if n := f.requests(""); n != 2*200 {
			t.Errorf("%d requests, want metadata and keys of 200 issuers", n)
		}
		if s := v.Stats().Resolve; s.Live != 10+64 {
			t.Errorf("%d are live", s.Live)
		}
		asked := f.requests("")
		for n := range 10 {
			accept(t, v, f.token(fmt.Sprint("good", n), "2"))
		}
		if f.requests("") != asked {
			t.Error("a proven issuer was evicted")
		}
		elapse(time.Second)
		for n := range 1000 {
			_, _ = v.Verify(t.Context(), f.forged(fmt.Sprint("other", n), "1"))
		}
		if n := f.requests("") - asked; n != 2*100 {
			t.Errorf("%d requests after a second, want those of 100 issuers", n)
		}
	})
}

// While the first fetches of as many issuers as fit hang, other new issuers are
// 503. Proven issuers are not affected.
func TestFirstFetchesAtATimeAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		tenants := newTable(f, "good", "new")
		for n := range 64 {
			tenants.set(fmt.Sprint("hangs", n), true)
		}
		v := newVerifier(t, tenants.config())
		accept(t, v, f.token("good", "1"))
		f.setHang(true)
		var wait sync.WaitGroup
		for n := range 64 {
			wait.Go(func() { _, _ = v.Verify(context.Background(), f.forged(fmt.Sprint("hangs", n), "1")) })
		}
		synctest.Wait()
		if e := unavailable(t, v, f.token("new", "1")); e.RetryAfter <= 0 || !e.Suspect {
			t.Errorf("%+v", e)
		}
		if f.requests("new") != 0 {
			t.Error("fetched")
		}
		accept(t, v, f.token("good", "2"))
		wait.Wait()
		f.setHang(false)
		accept(t, v, f.token("new", "2"))
	})
}

// Among proven issuers, the one whose last good token is oldest is evicted. Its
// cached tokens go with it, and its next token brings it back.
func TestLeastRecentlyUsedIssuerIsEvicted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		tenants := newTable(f, "a", "b", "c")
		c := tenants.config()
		c.MaxResolved = 2
		v := newVerifier(t, c)
		a, b, third := f.token("a", "1"), f.token("b", "1"), f.token("c", "1")
		for _, token := range []string{a, b, a, third} {
			accept(t, v, token)
			elapse(2 * time.Second)
		}
		_, _ = v.Verify(t.Context(), f.forged("b", "1")) // does not evict anybody
		if v.Ready(f.url("a")) != nil || v.Ready(f.url("c")) != nil {
			t.Error("want the issuers that were used last")
		}
		asked, signatures := f.requests("a"), v.Stats().Signatures
		accept(t, v, a)
		if f.requests("a") != asked || v.Stats().Signatures != signatures {
			t.Error("a was evicted")
		}
		accept(t, v, b)
		if v.Stats().Signatures == signatures {
			t.Error("a cached token outlived its issuer")
		}
	})
}

// An issuer without tokens is not refreshed, and is closed after ResolvedIdle. Its
// keys are refreshed while tokens come, also while they come from the cache.
func TestIdleIssuers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		tenants := newTable(f, "idle", "busy")
		v := newVerifier(t, tenants.config())
		accept(t, v, f.token("idle", "1"))
		busy := f.token("busy", "1")
		for range 29 {
			accept(t, v, busy)
			elapse(time.Minute)
		}
		if n := f.requests("idle"); n != 3 { // the first token asks for one refresh
			t.Errorf("%d requests for the idle issuer", n)
		}
		if n := f.requests("busy"); n < 6 {
			t.Errorf("%d requests for the busy issuer", n)
		}
		asked := f.requests("idle")
		accept(t, v, f.token("idle", "2"))
		synctest.Wait()
		if n := f.requests("idle") - asked; n != 1 {
			t.Errorf("%d requests for overdue keys, want a refresh at once", n)
		}
		elapse(76 * time.Minute)
		if s := v.Stats().Resolve; s.Live != 0 {
			t.Errorf("%d are live", s.Live)
		}
		if v.Ready(f.url("idle")) == nil {
			t.Error("ready")
		}
		accept(t, v, f.token("idle", "3"))
	})
}

// Reconfigure forgets what Resolve approved. An issuer that is approved again
// keeps its keys and most of its cached tokens; any other is refused, and nothing
// is fetched for it.
func TestReconfigureAsksResolveAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		tenants := newTable(f, "stays", "goes")
		v := newVerifier(t, tenants.config())
		var stays [3]string
		for id := range stays {
			stays[id] = f.token("stays", fmt.Sprint(id))
			accept(t, v, stays[id])
		}
		goes := f.token("goes", "1")
		accept(t, v, goes)
		asked, signatures := f.requests(""), v.Stats().Signatures
		tenants.set("goes", false)
		reconfigure(t, v, tenants.config())
		if s := v.Stats().Resolve; s.Live != 0 {
			t.Errorf("%d are live", s.Live)
		}
		elapse(10 * time.Minute)
		if f.requests("") != asked {
			t.Error("fetched for an issuer that is not approved")
		}
		unrecognized(t, v, goes)
		for _, token := range stays {
			accept(t, v, token)
		}
		if n := v.Stats().Signatures - signatures; n != 1 {
			t.Errorf("%d signatures, want that of the token that made Resolve approve the issuer again", n)
		}
		if calls := tenants.calls.Load(); calls != 4 {
			t.Errorf("%d calls, want one for each issuer and configuration", calls)
		}
		reconfigure(t, v, jwks.Config{Client: f.client, Issuers: f.issuers("static")})
		unrecognized(t, v, stays[0])
		if v.Stats().Resolve.Live != 0 {
			t.Error("live without Resolve")
		}
	})
}

package introspect_test

import (
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/introspect"
)

// 10,000 requests while the endpoint hangs pile up nothing and are told 503
// soon; what is kept serves all the while, and it is found out when the
// endpoint is back.
func TestHangingEndpoint(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
		kept := issuer.MintOpaque(bearertest.Token{})
		if _, err := v.Verify(t.Context(), kept); err != nil {
			t.Fatal(err)
		}
		issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Hang: true})
		before := runtime.NumGoroutine()
		var slow atomic.Int32
		var wg sync.WaitGroup
		for i := range 10_000 {
			wg.Go(func() {
				start := time.Now()
				if _, err := v.Verify(t.Context(), fmt.Sprint("token-", i)); codeOf(err) != "unavailable" {
					t.Errorf("%v", err)
				}
				if time.Since(start) > time.Second {
					slow.Add(1)
				}
			})
		}
		synctest.Wait()
		// 64 requests with their connections, and 256 that wait for a moment.
		if n := runtime.NumGoroutine() - before; n > 2000 {
			t.Errorf("%d goroutines are left waiting", n)
		}
		start := time.Now()
		if _, err := v.Verify(t.Context(), kept); err != nil || time.Since(start) > 0 {
			t.Errorf("what is kept: %v after %v", err, time.Since(start))
		}
		wg.Wait()
		if n := slow.Load(); n > 64 {
			t.Errorf("%d callers waited for more than a second, want 64 at most", n)
		}

		// The circuit is open: nobody waits at all, and few requests are made.
		requests := issuer.Requests(bearertest.IntrospectionEndpoint)
		start = time.Now()
		for i := range 1000 {
			if _, err := v.Verify(t.Context(), fmt.Sprint("more-", i)); codeOf(err) != "unavailable" {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took > 0 || issuer.Requests(bearertest.IntrospectionEndpoint) != requests {
			t.Errorf("with an open circuit 1,000 callers took %v", took)
		}
		issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{})
		elapse(10 * time.Second)
		if _, err := v.Verify(t.Context(), issuer.MintOpaque(bearertest.Token{})); err != nil {
			t.Errorf("after the endpoint's return: %v", err)
		}
		if v.Stats().Open != 0 {
			t.Errorf("the circuit is still open for %v", v.Stats().Open)
		}
	})
}

// One request tries whether the endpoint is back, and no more.
func TestHalfOpen(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
		issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Status: 500})
		for i := range 20 {
			_, _ = v.Verify(t.Context(), fmt.Sprint("a-", i))
		}
		if n := issuer.Requests(bearertest.IntrospectionEndpoint); n != 5 {
			t.Errorf("%d requests until the circuit opened, want 5", n)
		}
		issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Status: 500, Delay: time.Second})
		elapse(1100 * time.Millisecond)
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() { _, _ = v.Verify(t.Context(), fmt.Sprint("b-", i)) })
		}
		wg.Wait()
		if n := issuer.Requests(bearertest.IntrospectionEndpoint); n != 6 {
			t.Errorf("%d requests while half open, want 1", n-5)
		}
	})
}

// H10: what the endpoint asks us to wait is told on, and kept to.
func TestRetryAfter(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
		issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Status: 429, Header: http.Header{"Retry-After": {"7"}}})
		r := get(guarded(t, v), "token")
		if r.Code != http.StatusServiceUnavailable || r.Header().Get("Retry-After") != "7" || r.Header().Get("WWW-Authenticate") != "" {
			t.Errorf("%d %v", r.Code, r.Header())
		}
		for range 60 {
			_, _ = v.Verify(t.Context(), "another")
			elapse(100 * time.Millisecond)
		}
		if n := issuer.Requests(bearertest.IntrospectionEndpoint); n != 1 {
			t.Errorf("%d requests within 7 s", n)
		}
		issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{})
		elapse(time.Second)
		if _, err := v.Verify(t.Context(), issuer.MintOpaque(bearertest.Token{})); err != nil {
			t.Errorf("after 7 s: %v", err)
		}
	})
}

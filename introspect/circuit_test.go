package introspect_test

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
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

// asking returns a verifier whose endpoint is a function, of the token.
func asking(t testing.TB, answer func(token string) (status int, header http.Header), change func(*introspect.Config)) *introspect.Verifier {
	t.Helper()
	c := introspect.Config{
		Issuer: "https://issuer.example.com", Endpoint: "https://issuer.example.com/introspect", Audience: []string{audience},
		Auth: introspect.ClientSecretBasic("api", "secret"),
		Client: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if err := r.ParseForm(); err != nil {
				return nil, err
			}
			status, header := answer(r.PostForm.Get("token"))
			body := `{"active":true,"aud":"` + audience + `"}`
			return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}, nil
		})},
	}
	if change != nil {
		change(&c)
	}
	v, err := introspect.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// Anybody can send a token that the endpoint, or a firewall before it, does not
// like: that must not have the endpoint left alone, whatever Retry-After says.
func TestTokensThatTheEndpointRefuses(t *testing.T) {
	for _, status := range []int{400, 403, 404, 413, 414, 422, 431} {
		v := asking(t, func(token string) (int, http.Header) {
			if token == "good" {
				return 200, nil
			}
			return status, http.Header{"Retry-After": {"30"}}
		}, nil)
		for i := range 10 {
			if _, err := v.Verify(t.Context(), fmt.Sprint("junk-", i)); codeOf(err) != "unavailable" {
				t.Errorf("%d: %v", status, err)
			}
		}
		if _, err := v.Verify(t.Context(), "good"); err != nil {
			t.Errorf("after ten answers of %d: %v", status, err)
		}
	}
}

// Those that wait for a slot are not sent when the endpoint has asked for a
// pause, or has failed, meanwhile.
func TestQueueHeedsTheCircuit(t *testing.T) {
	for _, status := range []int{429, 500} {
		synctest.Test(t, func(t *testing.T) {
			var requests atomic.Int32
			v := asking(t, func(string) (int, http.Header) {
				requests.Add(1)
				elapse(100 * time.Millisecond)
				if status == 429 {
					return status, http.Header{"Retry-After": {"30"}}
				}
				return status, nil
			}, nil)
			var wg sync.WaitGroup
			for i := range 300 {
				wg.Go(func() { _, _ = v.Verify(t.Context(), fmt.Sprint("token-", i)) })
			}
			wg.Wait()
			// A slot may be taken before all the first answers have come.
			if n := requests.Load(); n > 64+4 {
				t.Errorf("%d: %d requests, want those 64 that were under way", status, n)
			}
			v.Close()
		})
	}
}

// A Retry-After holds, whatever is answered to requests from before.
func TestRetryAfterIsKept(t *testing.T) {
	for _, status := range []int{200, 500} {
		synctest.Test(t, func(t *testing.T) {
			var requests atomic.Int32
			v := asking(t, func(token string) (int, http.Header) {
				requests.Add(1)
				if strings.HasPrefix(token, "slow") {
					elapse(time.Second)
					return status, nil
				}
				return 429, http.Header{"Retry-After": {"30"}}
			}, nil)
			var wg sync.WaitGroup
			for i := range 6 {
				wg.Go(func() { _, _ = v.Verify(t.Context(), fmt.Sprint("slow-", i)) })
			}
			synctest.Wait()
			_, _ = v.Verify(t.Context(), "fast")
			wg.Wait()
			for range 28 {
				_, _ = v.Verify(t.Context(), "another")
				elapse(time.Second)
			}
			if n := requests.Load(); n != 7 {
				t.Errorf("%d requests, want none within the 30 s after 7", n)
			}
			v.Close()
		})
	}
}

// That 64 requests break off at once is one trouble, and not 60 in a row: after
// a second it is tried whether the endpoint is back.
func TestRecoveryFromABlip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var back atomic.Bool
		v := asking(t, func(string) (int, http.Header) {
			if back.Load() {
				return 200, nil
			}
			elapse(100 * time.Millisecond)
			return 502, nil
		}, nil)
		var wg sync.WaitGroup
		for i := range 64 {
			wg.Go(func() { _, _ = v.Verify(t.Context(), fmt.Sprint("token-", i)) })
		}
		wg.Wait()
		back.Store(true)
		elapse(1100 * time.Millisecond)
		if _, err := v.Verify(t.Context(), "token"); err != nil {
			t.Errorf("a second later: %v", err)
		}
		v.Close()
	})
}

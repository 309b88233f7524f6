package introspect_test

import (
	"errors"
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

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/introspect"
)

// 10,000 requests while the endpoint hangs do not pile up and soon get 503.
// Cached answers are used all the while, and the recovery of the endpoint is
// noticed.
func TestHangingEndpoint(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
		kept := issuer.MintOpaque(bearertest.Token{})
		if _, err := v.Verify(t.Context(), kept); err != nil {
			t.Fatal(err)
		}
		elapse(time.Millisecond)
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
		// 64 requests with their connections, and 256 that wait for a slot.
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

		// The probe has failed, so the circuit is open: no caller waits, and
		// few requests are sent.
		elapse(500 * time.Millisecond)
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
		elapse(2 * time.Second)
		if _, err := v.Verify(t.Context(), issuer.MintOpaque(bearertest.Token{})); err != nil {
			t.Errorf("two seconds after the endpoint's return: %v", err)
		}
		if v.Stats().Open != 0 {
			t.Errorf("the circuit is still open for %v", v.Stats().Open)
		}
	})
}

// Reports V1: a probe that fails three times within half a second opens the
// circuit. From then on only probes are sent.
func TestOutageOpensTheCircuit(t *testing.T) {
	inMemory(t, []bearertest.Client{{ID: "api", Secret: "secret"}}, func(t *testing.T, issuer *bearertest.Issuer) {
		for _, fault := range []bearertest.Fault{
			{Status: 500}, {Status: 502}, {Status: 503}, {Status: 429}, {Status: 401}, {Status: 403}, {Status: 404},
			{Body: []byte("<!doctype html>")}, {Body: []byte(`{"active":"true"}`)}, {Reset: true},
		} {
			name := fmt.Sprint(fault.Status, string(fault.Body), fault.Reset)
			v := newVerifier(t, issuer, func(c *introspect.Config) { c.Client = issuer.Client() })
			issuer.SetFault(bearertest.IntrospectionEndpoint, fault)
			_, _ = v.Verify(t.Context(), "a")
			elapse(200 * time.Millisecond)
			s := v.Stats()
			if s.Open == 0 || s.Open > time.Second || s.Probes != 3 {
				t.Errorf("%s: after half a second: %+v; want an open circuit after 3 probes", name, s)
			}
			_, _ = v.Verify(t.Context(), "another")
			if n := v.Stats().Requests; n != s.Requests {
				t.Errorf("%s: an open circuit lets a request through", name)
			}
			issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{})
			elapse(time.Second)
			if _, err := v.Verify(t.Context(), issuer.MintOpaque(bearertest.Token{})); err != nil {
				t.Errorf("%s: a second later: %v", name, err)
			}
			v.Close()
		}
	})
}

// RFC 9110, Section 15.5: a 4xx for one request does not mean that the endpoint
// fails, not even for a probe.
func TestRejectedProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := asking(t, func(string) (int, http.Header) { return 400, nil }, nil)
		for i := range 10 {
			_, _ = v.Verify(t.Context(), fmt.Sprint("junk-", i))
		}
		if v.Stats().Probes == 0 {
			t.Fatal("no probe was sent")
		}
		if s := v.Stats(); s.Open != 0 {
			t.Errorf("open: %+v", s)
		}
		// Nor does it mean that the endpoint works.
		_, err := v.Verify(t.Context(), "another")
		if e, ok := errors.AsType[*bearer.Error](err); !ok || e.Suspect {
			t.Errorf("%+v, want no suspicion", err)
		}
	})
}

// Reports V3: the probe of a half-open circuit hangs. No caller waits longer
// than a moment. A few tokens that were active before may be introspected, so
// that the circuit closes as soon as the endpoint answers about one.
func TestHalfOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down, hangs atomic.Bool
		var asked atomic.Int32
		v := asking(t, func(token string) (int, http.Header) {
			asked.Add(1)
			switch {
			case down.Load():
				return 500, nil
			case hangs.Load() && !strings.HasPrefix(token, "known"):
				elapse(time.Hour)
			}
			return 200, nil
		}, func(c *introspect.Config) { c.MaxAge = 10 * time.Second })
		use := func(token string, status int) {
			t.Helper()
			start := time.Now()
			r := get(guarded(t, v), token)
			if r.Code != status || time.Since(start) > time.Second {
				t.Errorf("%s: %d after %v, want %d within a second", token, r.Code, time.Since(start), status)
			}
		}
		for i := range 8 {
			use(fmt.Sprint("known-", i), 200)
		}
		elapse(10 * time.Second)
		down.Store(true)
		use("a", 503)
		elapse(time.Second)
		if v.Stats().Open == 0 {
			t.Fatal("the circuit is closed")
		}
		down.Store(false)
		hangs.Store(true)
		elapse(time.Second)
		before := asked.Load()
		for i := range 20 {
			use(fmt.Sprint("b-", i), 503)
		}
		if n := asked.Load() - before; n != 1 {
			t.Errorf("%d questions while half open, want the probe alone", n)
		}
		use("known-0", 200)
		if v.Stats().Open != 0 {
			t.Error("an answer left the circuit open")
		}
		hangs.Store(false)
		use("c", 200)
		v.Close()
		elapse(time.Hour)
	})
}

// While the circuit is open, a few tokens that were active before are
// introspected between two probes, and each caller waits at most a second.
func TestTriesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hangs atomic.Bool
		var asked atomic.Int32
		v := asking(t, func(string) (int, http.Header) {
			if hangs.Load() {
				asked.Add(1)
				elapse(time.Hour)
			}
			return 200, nil
		}, func(c *introspect.Config) { c.MaxAge = time.Second })
		tokens := make([]string, 200)
		for i := range tokens {
			tokens[i] = fmt.Sprint("known-", i)
			if _, err := v.Verify(t.Context(), tokens[i]); err != nil {
				t.Fatal(err)
			}
		}
		elapse(time.Second)
		hangs.Store(true)
		start := time.Now()
		_, _ = v.Verify(t.Context(), "a")
		elapse(7*time.Second - time.Since(start))
		if v.Stats().Open == 0 {
			t.Fatal("the circuit is closed")
		}
		before := asked.Load()
		for range 60 {
			start := time.Now()
			for _, token := range tokens {
				go func() {
					if _, err := v.Verify(t.Context(), token); codeOf(err) != "unavailable" || time.Since(start) > 1100*time.Millisecond {
						t.Errorf("%v after %v", err, time.Since(start))
					}
				}()
			}
			elapse(time.Second)
		}
		// At most ten steps of up to 10 s, each with four tries and a probe.
		if n := asked.Load() - before; n > 50 {
			t.Errorf("%d questions to a dead endpoint within a minute", n)
		}
		v.Close()
		elapse(time.Hour)
	})
}

// H10, reports V2: the Retry-After for one token reaches its client and pauses
// nothing. The Retry-After for a probe pauses all requests, for at most ten
// seconds at a time. Cached answers are used meanwhile.
func TestRetryAfter(t *testing.T) {
	for _, status := range []int{429, 503} {
		inBubble(t, nil, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
			fault := bearertest.Fault{Status: status, Header: http.Header{"Retry-After": {"60"}}}
			kept, other := issuer.MintOpaque(bearertest.Token{}), issuer.MintOpaque(bearertest.Token{})
			use := func(token string, status int, retryAfter string) {
				t.Helper()
				r := get(guarded(t, v), token)
				if r.Code != status || r.Header().Get("Retry-After") != retryAfter || r.Header().Get("WWW-Authenticate") != "" {
					t.Errorf("%d %v, want %d and Retry-After %q", r.Code, r.Header(), status, retryAfter)
				}
			}
			use(kept, 200, "")
			fault.Times = 1
			issuer.SetFault(bearertest.IntrospectionEndpoint, fault)
			use("token", 503, "60")
			use(other, 200, "")
			elapse(2 * time.Second)
			use(issuer.MintOpaque(bearertest.Token{}), 200, "")
			elapse(time.Millisecond)

			fault.Times = 0
			issuer.SetFault(bearertest.IntrospectionEndpoint, fault)
			use("another", 503, "60")
			elapse(time.Second)
			before := issuer.Requests(bearertest.IntrospectionEndpoint)
			for i := range 9 {
				if r := get(guarded(t, v), fmt.Sprint("c-", i)); r.Code != 503 {
					t.Errorf("in the pause: %d", r.Code)
				}
				use(kept, 200, "")
				elapse(time.Second)
			}
			if n := issuer.Requests(bearertest.IntrospectionEndpoint); n != before {
				t.Errorf("%d requests within the pause", n-before)
			}
			issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{})
			elapse(time.Second)
			use(issuer.MintOpaque(bearertest.Token{}), 200, "")
		})
	}
}

// asking returns a verifier whose endpoint is a function of the token.
func asking(t testing.TB, answer func(token string) (status int, header http.Header), change func(*introspect.Config)) *introspect.Verifier {
	t.Helper()
	c := introspect.Config{
		Issuer: "https://issuer.example.com", Endpoint: "https://issuer.example.com/introspect", Audience: []string{audience},
		Auth: introspect.ClientSecretBasic("api", "secret"),
		Client: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if err := r.ParseForm(); err != nil {
				return nil, err
			}
			answered := make(chan *http.Response, 1)
			go func() {
				status, header := answer(r.PostForm.Get("token"))
				body := `{"active":true,"aud":"` + audience + `"}`
				answered <- &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}
			}()
			select {
			case response := <-answered:
				return response, nil
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
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

// Reports V1, V2: any client can send a token that the endpoint, or a firewall
// in front of it, rejects. That says nothing about other tokens, whatever the
// Retry-After.
func TestTokensThatTheEndpointRefuses(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 413, 414, 422, 429, 431, 500, 502, 503, 504} {
		synctest.Test(t, func(t *testing.T) {
			v := asking(t, func(token string) (int, http.Header) {
				if strings.HasPrefix(token, "junk") {
					return status, http.Header{"Retry-After": {"30"}}
				}
				return 200, nil
			}, nil)
			for i := range 10 {
				if _, err := v.Verify(t.Context(), fmt.Sprint("junk-", i)); codeOf(err) != "unavailable" {
					t.Errorf("%d: %v", status, err)
				}
			}
			if _, err := v.Verify(t.Context(), "good"); err != nil {
				t.Errorf("after ten answers of %d: %v", status, err)
			}
		})
	}
}

// Questions that wait for a slot are not sent if the circuit opens meanwhile.
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
			}, func(c *introspect.Config) { c.MaxConcurrent = 16 })
			var wg sync.WaitGroup
			for i := range 80 {
				wg.Go(func() { _, _ = v.Verify(t.Context(), fmt.Sprint("token-", i)) })
			}
			wg.Wait()
			// The first probe of a 429 has failed after three rounds; the probe
			// of a 500 takes longer than the wait for a slot.
			if n := requests.Load(); status == 429 && n > 3*16+1 {
				t.Errorf("%d: %d requests, want those %d that were under way", status, n, 3*16+1)
			}
			if v.Stats().Open == 0 {
				elapse(time.Second)
			}
			if v.Stats().Open == 0 {
				t.Errorf("%d: the circuit is closed", status)
			}
			v.Close()
		})
	}
}

// The answer to a question from before an outage does not end the outage.
func TestLateAnswersCloseNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := asking(t, func(token string) (int, http.Header) {
			if token == "slow" {
				elapse(4 * time.Second)
				return 200, nil
			}
			return 500, nil
		}, nil)
		go func() {
			if _, err := v.Verify(t.Context(), "slow"); err != nil {
				t.Error(err)
			}
		}()
		elapse(500 * time.Millisecond)
		_, _ = v.Verify(t.Context(), "fast")
		elapse(time.Second)
		for range 4 {
			if v.Stats().Open == 0 {
				t.Errorf("the circuit is closed: %+v", v.Stats())
			}
			_, _ = v.Verify(t.Context(), "another")
			elapse(time.Second)
		}
		v.Close()
	})
}

// Reports V4: failures expire. Old failures, however many, do not help the next
// one to open the circuit.
func TestFailuresAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var failing atomic.Bool
		v := asking(t, func(token string) (int, http.Header) {
			if failing.Load() && strings.HasPrefix(token, "odd") {
				return 500, nil
			}
			return 200, nil
		}, nil)
		failing.Store(true)
		for round := range 5 {
			for i := range 4 {
				_, _ = v.Verify(t.Context(), fmt.Sprint("odd-", round, i))
			}
			for i := range 96 {
				if _, err := v.Verify(t.Context(), fmt.Sprint("good-", round, i)); err != nil {
					t.Error(err)
				}
			}
			elapse(20 * time.Second)
		}
		v.Close()
	})
}

// Reports V5: a token that the endpoint does not answer about is suspect while
// it answers about others, so that FailureLimit counts it. In an outage no
// token is suspect.
func TestSuspects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		v := asking(t, func(token string) (int, http.Header) {
			if down.Load() || strings.HasPrefix(token, "odd") {
				return 500, nil
			}
			return 200, nil
		}, nil)
		suspect := func(token string) bool {
			_, err := v.Verify(t.Context(), token)
			e, ok := errors.AsType[*bearer.Error](err)
			if !ok || e.Code != bearer.CodeUnavailable {
				t.Fatalf("%s: %v", token, err)
			}
			return e.Suspect
		}
		if _, err := v.Verify(t.Context(), "good"); err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			for range 2 {
				if !suspect(fmt.Sprint("odd-", i)) {
					t.Errorf("odd-%d is not suspect", i)
				}
			}
			elapse(100 * time.Millisecond)
		}
		elapse(10 * time.Second)
		down.Store(true)
		for i := range 100 {
			if suspect(fmt.Sprint("good-", i)) {
				t.Errorf("good-%d is suspect in an outage", i)
			}
			elapse(100 * time.Millisecond)
		}
		v.Close()
	})
}

// Reports V5: Config.Accept keeps junk from the endpoint.
func TestAccept(t *testing.T) {
	var asked atomic.Int32
	v := asking(t, func(string) (int, http.Header) { asked.Add(1); return 200, nil }, func(c *introspect.Config) {
		c.Accept = func(token string) bool { return strings.HasPrefix(token, "ory_at_") && len(token) < 100 }
	})
	for _, token := range []string{"junk", "ory_at_" + strings.Repeat("x", 100), "ory_rt_abc", ""} {
		if _, err := v.Verify(t.Context(), token); codeOf(err) != "unrecognized" {
			t.Errorf("%q: %v", token, err)
		}
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("%d questions about junk", n)
	}
	if _, err := v.Verify(t.Context(), "ory_at_abc"); err != nil {
		t.Error(err)
	}
	// A token that another verifier has verified is introspected, whatever
	// Accept says.
	if _, err := v.TakingJWTs().Verify(t.Context(), "eyJhbGciOiJub25lIn0.e30.AA"); err != nil {
		t.Error(err)
	}
}

// Reports V1, V5: tokens on which the endpoint hangs do not occupy the slots
// while others are answered.
func TestHangingTokensLoseTheirSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := asking(t, func(token string) (int, http.Header) {
			if strings.HasPrefix(token, "odd") {
				elapse(time.Hour)
			}
			elapse(5 * time.Millisecond)
			return 200, nil
		}, nil)
		var wg sync.WaitGroup
		for i := range 1000 { // 100 hanging and 200 good ones a second
			if i%2 == 0 {
				wg.Go(func() {
					if _, err := v.Verify(t.Context(), fmt.Sprint("odd-", i)); codeOf(err) != "unavailable" {
						t.Errorf("odd-%d: %v", i, err)
					}
				})
			}
			wg.Go(func() {
				if _, err := v.Verify(t.Context(), fmt.Sprint("good-", i)); err != nil {
					t.Errorf("good-%d: %v", i, err)
				}
			})
			elapse(5 * time.Millisecond)
		}
		wg.Wait()
		v.Close()
		elapse(time.Hour)
	})
}

// 64 requests that break off together count as one failure, not as 64 in a row:
// after a second a probe finds that the endpoint works again.
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

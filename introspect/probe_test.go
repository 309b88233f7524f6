package introspect_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/introspect"
)

// RFC 9110, Section 15: which statuses of a probe, at the endpoint or at the issuer's
// metadata, show that no request is served.
func TestStatusOfAProbe(t *testing.T) {
	for status, ill := range map[int]bool{
		204: true, 300: true, 399: true, 500: true, 501: true, 503: true, 599: true,
		401: true, 403: true, 404: true, 405: true, 407: true, 408: true, 410: true, 429: true,
		400: false, 402: false, 406: false, 409: false, 413: false, 422: false, 451: false, 499: false,
	} {
		for _, discovered := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				v := scripted(t, func(c *introspect.Config) {
					if discovered {
						c.Endpoint = ""
					}
				}, func(string) behaviour { return behaviour{"", answers(status, nil, "")} })
				_, _ = v.Verify(t.Context(), "t-1")
				elapse(time.Second)
				if open := v.Stats().Open > 0; open != ill {
					t.Errorf("status %d, discovered %t: the circuit is open: %t, want %t", status, discovered, open, ill)
				}
				v.Close()
			})
		}
	}
}

// timeline records when probes are sent, in milliseconds since its beginning.
type timeline struct {
	start  time.Time
	mu     sync.Mutex
	probes []int
}

// note notes a question if it is a probe's.
func (l *timeline) note(token string) {
	if isProbe(token) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.probes = append(l.probes, int(time.Since(l.start)/time.Millisecond))
	}
}

// sent returns when probes were sent.
func (l *timeline) sent() []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.probes)
}

// When probes are sent: 25 ms after a failure, unless another question is answered
// meanwhile; 250 ms after the last probe; a second after a question that is not
// answered; and 100 and 200 ms after a probe that failed.
func TestTimesOfProbes(t *testing.T) {
	type use struct {
		at    int // in milliseconds
		token string
	}
	slow := func(d time.Duration, then behaviour) behaviour {
		return behaviour{"", func(r *http.Request) (*http.Response, error) {
			select {
			case <-time.After(d):
				return then.do(r)
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		}}
	}
	tests := []struct {
		name  string
		probe behaviour
		uses  []use
		want  []int
		open  bool
	}{
		{"a failure", inactive, []use{{0, "odd-1"}}, []int{25}, false},
		{"a later answer meanwhile", inactive, []use{{0, "odd-1"}, {10, "good-1"}}, nil, false},
		{"a later answer, and an earlier one", inactive, []use{{0, "slow20-1"}, {5, "odd-1"}, {10, "good-1"}}, nil, false},
		{"a later answer, too late", inactive, []use{{0, "odd-1"}, {30, "good-1"}}, []int{25}, false},
		{"an earlier answer", inactive, []use{{0, "slow10-1"}, {5, "odd-1"}}, []int{30}, false},
		{"two failures", inactive, []use{{0, "odd-1"}, {100, "odd-2"}}, []int{25, 275}, false},
		{"two failures during one probe", slow(50*time.Millisecond, inactive), []use{{0, "odd-1"}, {40, "odd-2"}}, []int{25}, false},
		{"two failures far apart", inactive, []use{{0, "odd-1"}, {1000, "odd-2"}}, []int{25, 1025}, false},
		{"a question that takes long", inactive, []use{{0, "slow1100-1"}}, []int{1025}, false},
		{"a question that does not take long", inactive, []use{{0, "slow900-1"}}, nil, false},
		{"probes that fail", broken, []use{{0, "odd-1"}}, []int{25, 125, 325}, true},
		{"a probe that is slow to fail", slow(time.Second, broken), []use{{0, "odd-1"}}, []int{25}, true},
		{"a probe that fails faster", slow(999*time.Millisecond, broken), []use{{0, "odd-1"}}, []int{25, 1124}, false},
		{"a probe with Retry-After", behaviour{"", answers(503, retryIn60, "")}, []use{{0, "odd-1"}}, []int{25}, true},
		{"Retry-After of another status", behaviour{"", answers(500, retryIn60, "")}, []use{{0, "odd-1"}}, []int{25, 125, 325}, true},
		{"a probe that fails, and an answer", slow(50*time.Millisecond, broken), []use{{0, "odd-1"}, {30, "good-1"}}, []int{25}, false},
		{"a probe that fails with Retry-After, and an answer", slow(50*time.Millisecond, behaviour{"", answers(503, retryIn60, "")}), []use{{0, "odd-1"}, {30, "good-1"}}, []int{25}, false},
		{"a probe whose credentials are rejected", behaviour{"", answers(400, nil, `{"error":"invalid_client"}`)}, []use{{0, "odd-1"}}, []int{25, 125, 325}, true},
		{"probes that fail, and an answer before the next one", broken, []use{{0, "odd-1"}, {30, "good-1"}}, []int{25}, false},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			line := &timeline{start: time.Now()}
			v := scripted(t, nil, func(token string) behaviour {
				line.note(token)
				kind, _, _ := strings.Cut(token, "-")
				var delay int
				if n, _ := fmt.Sscanf(kind, "slow%d", &delay); n == 1 {
					return slow(time.Duration(delay)*time.Millisecond, active)
				}
				switch {
				case isProbe(token):
					return tt.probe
				case kind == "odd":
					return broken
				}
				return active
			})
			for _, u := range tt.uses {
				elapse(time.Until(line.start.Add(time.Duration(u.at) * time.Millisecond)))
				go func() { _, _ = v.Verify(t.Context(), u.token) }()
			}
			elapse(time.Until(line.start.Add(1300 * time.Millisecond)))
			if got := line.sent(); !slices.Equal(got, tt.want) {
				t.Errorf("%s: probes after %v ms, want %v", tt.name, got, tt.want)
			}
			if open := v.Stats().Open > 0; open != tt.open {
				t.Errorf("%s: the circuit is open: %t, want %t", tt.name, open, tt.open)
			}
			v.Close()
			elapse(time.Hour)
		})
	}
}

// An open circuit is probed when a token needs it, after a quarter of the time that
// it has been open: at least a second, at most ten.
func TestTimesOfAnOpenCircuit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := &timeline{start: time.Now()}
		v := scripted(t, nil, func(token string) behaviour { line.note(token); return broken })
		for i := range 700 { // 70 s
			_, _ = v.Verify(t.Context(), fmt.Sprint("t-", i))
			elapse(time.Until(line.start.Add(time.Duration(i+1) * 100 * time.Millisecond)))
		}
		probes := line.sent()
		opened := probes[2] // the first three opened it
		for i := 3; i < len(probes); i++ {
			last, gap := probes[i-1], probes[i]-probes[i-1]
			if want := min(max((last-opened)/4, 1000), 10_000); gap < want || gap > want+100 {
				t.Errorf("%d ms after the circuit opened: the next probe %d ms later, want %d", last-opened, gap, want)
			}
		}
		if n := len(probes); n != 19 {
			t.Errorf("%d probes, want 19", n)
		}
		v.Close()
	})
}

// Reports V3: only tokens that were active before are tried while the circuit is
// open: neither new tokens nor inactive ones.
func TestOnlyActiveTokensAreTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		var tries atomic.Int32
		v := scripted(t, func(c *introspect.Config) { c.MaxAge, c.NegativeAge = time.Second, time.Second }, func(token string) behaviour {
			switch {
			case down.Load():
				if !isProbe(token) {
					tries.Add(1)
				}
				return behaviour{"", answers(503, retryIn60, "")}
			case strings.HasPrefix(token, "bad"):
				return inactive
			}
			return active
		})
		_, _ = v.Verify(t.Context(), "good-1")
		_, _ = v.Verify(t.Context(), "bad-1")
		elapse(2 * time.Second)
		down.Store(true)
		_, _ = v.Verify(t.Context(), "other-1")
		elapse(time.Second)
		for _, step := range []struct {
			token string
			want  int32
		}{{"other-2", 0}, {"bad-1", 0}, {"good-1", 1}} {
			tries.Store(0)
			_, _ = v.Verify(t.Context(), step.token)
			if n := tries.Load(); n != step.want {
				t.Errorf("%s: %d requests, want %d", step.token, n, step.want)
			}
		}
		v.Close()
	})
}

// While the circuit is open, answers that another instance shares are used.
func TestSharedAnswersInAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := newMemory()
		works := scripted(t, func(c *introspect.Config) { c.Shared = shared }, func(string) behaviour { return active })
		if _, err := works.Verify(t.Context(), "t-1"); err != nil {
			t.Fatal(err)
		}
		fails := scripted(t, func(c *introspect.Config) { c.Shared = shared }, func(string) behaviour { return broken })
		_, _ = fails.Verify(t.Context(), "t-2")
		elapse(time.Second / 2)
		if fails.Stats().Open == 0 {
			t.Fatal("the circuit is closed")
		}
		if _, err := fails.Verify(t.Context(), "t-1"); err != nil {
			t.Errorf("what another instance shares: %v", err)
		}
		works.Close()
		fails.Close()
	})
}

// A renewal asks the endpoint: the shared answer may be the one that is about to
// expire.
func TestRenewalIgnoresTheSameSharedAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := scripted(t, func(c *introspect.Config) { c.Shared = newMemory() }, func(string) behaviour { return active })
		for range 2 {
			if _, err := v.Verify(t.Context(), "t-1"); err != nil {
				t.Fatal(err)
			}
			elapse(46 * time.Second)
		}
		if s := v.Stats(); s.Requests != 2 || s.SharedHits != 0 {
			t.Errorf("%+v, want 2 requests", s)
		}
		v.Close()
	})
}

// A token that fails is refused for two seconds, then four, then eight, unless the
// last failure was more than a minute ago. An answer ends the series.
func TestPausesOfATokenThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var works, down atomic.Bool
		var asked atomic.Int32
		v := scripted(t, func(c *introspect.Config) { c.MaxAge = time.Second }, func(token string) behaviour {
			if token == "odd-1" {
				asked.Add(1)
				if !works.Load() {
					return broken
				}
			}
			if down.Load() {
				return behaviour{"", answers(503, http.Header{"Retry-After": {"1"}}, "")}
			}
			return active
		})
		paused := func() time.Duration {
			asked.Store(0)
			for start := time.Now(); ; elapse(100 * time.Millisecond) {
				_, err := v.Verify(t.Context(), "odd-1")
				if asked.Load() > 0 {
					return time.Since(start).Truncate(time.Second / 2)
				}
				if e, ok := errors.AsType[*bearer.Error](err); !ok || e.RetryAfter < time.Second {
					t.Fatalf("%v", err)
				}
				_, _ = v.Verify(t.Context(), fmt.Sprint("good-", time.Now().UnixMilli())) // changes nothing
			}
		}
		_, err := v.Verify(t.Context(), "odd-1")
		if e, ok := errors.AsType[*bearer.Error](err); !ok || e.RetryAfter != 2*time.Second-25*time.Millisecond && e.RetryAfter != 2*time.Second {
			t.Errorf("the first failure: %+v, want a retry after two seconds", err)
		}
		var pauses []time.Duration
		for range 5 {
			pauses = append(pauses, paused())
		}
		if want := []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second, 8 * time.Second, 8 * time.Second}; !slices.Equal(pauses, want) {
			t.Errorf("pauses of %v, want %v", pauses, want)
		}
		for range 80 {
			elapse(8100 * time.Millisecond)
			_, _ = v.Verify(t.Context(), "odd-1")
		}
		if got := paused(); got != 8*time.Second {
			t.Errorf("after many failures: a pause of %v, want 8 s", got)
		}
		elapse(8*time.Second + 59*time.Second)
		_, _ = v.Verify(t.Context(), "odd-1")
		if got := paused(); got != 8*time.Second {
			t.Errorf("after a failure 59 s before: a pause of %v, want 8 s", got)
		}
		elapse(8*time.Second + time.Minute)
		_, _ = v.Verify(t.Context(), "odd-1")
		if got := paused(); got != 2*time.Second {
			t.Errorf("after a failure a minute before: a pause of %v, want 2 s", got)
		}
		elapse(10 * time.Second)
		works.Store(true)
		if _, err := v.Verify(t.Context(), "odd-1"); err != nil {
			t.Fatal(err)
		}
		works.Store(false)
		elapse(2 * time.Second)
		_, _ = v.Verify(t.Context(), "odd-1")
		if got := paused(); got != 2*time.Second {
			t.Errorf("after an answer: a pause of %v, want 2 s", got)
		}

		// Forget, and the end of an outage, end a pause.
		asked.Store(0)
		if err := v.Forget(t.Context(), "odd-1"); err != nil {
			t.Fatal(err)
		}
		if _, _ = v.Verify(t.Context(), "odd-1"); asked.Load() != 1 {
			t.Error("after Forget: the token is not introspected")
		}
		if _, _ = v.Verify(t.Context(), "odd-1"); asked.Load() != 1 {
			t.Error("after a failure: the token is introspected at once")
		}
		down.Store(true)
		elapse(time.Millisecond)
		_, _ = v.Verify(t.Context(), "other-1")
		if v.Stats().Open == 0 {
			t.Fatal("the circuit is closed")
		}
		down.Store(false)
		elapse(time.Second)
		if _, err := v.Verify(t.Context(), "other-2"); err != nil {
			t.Fatal(err)
		}
		if _, _ = v.Verify(t.Context(), "odd-1"); asked.Load() != 2 {
			t.Error("after an outage: the token is not introspected")
		}
		v.Close()
	})
}

// A failure that says nothing about the token does not pause it: no request was
// sent, or an outage explains the failure.
func TestFailuresThatPauseNoToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fault atomic.Pointer[behaviour]
		v := scripted(t, nil, func(token string) behaviour {
			if b := fault.Load(); b != nil && token == "t-1" {
				return *b
			}
			return active
		})
		fault.Store(&behaviour{"refused", func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
		}})
		if _, err := v.Verify(t.Context(), "t-1"); codeOf(err) != "unavailable" {
			t.Error(err)
		}
		fault.Store(nil)
		if _, err := v.Verify(t.Context(), "t-1"); err != nil {
			t.Errorf("after a connection that was refused: %v", err)
		}
		v.Close()

		source := new(onceFailing)
		v = scripted(t, func(c *introspect.Config) { c.Auth = introspect.BearerToken(source) }, func(string) behaviour { return active })
		if _, err := v.Verify(t.Context(), "t-1"); codeOf(err) != "unavailable" {
			t.Error(err)
		}
		if _, err := v.Verify(t.Context(), "t-1"); err != nil {
			t.Errorf("after a token source that failed: %v", err)
		}
		v.Close()

		var down atomic.Bool
		var asked atomic.Int32
		v = scripted(t, func(c *introspect.Config) { c.MaxAge = time.Second }, func(token string) behaviour {
			if token == "t-1" {
				asked.Add(1)
			}
			if down.Load() {
				return broken
			}
			return active
		})
		_, _ = v.Verify(t.Context(), "t-1")
		elapse(2 * time.Second)
		down.Store(true)
		_, _ = v.Verify(t.Context(), "t-2")
		elapse(time.Second / 2)
		asked.Store(0)
		for range 2 { // it is tried, since it was active before
			_, _ = v.Verify(t.Context(), "t-1")
		}
		if n := asked.Load(); n != 2 {
			t.Errorf("in an outage: %d requests for two uses, want 2", n)
		}
		v.Close()
	})
}

// onceFailing is a token source whose first call fails.
type onceFailing struct{ calls atomic.Int32 }

func (s *onceFailing) Token() (*oauth2.Token, error) {
	if s.calls.Add(1) == 1 {
		return nil, errors.New("no connection")
	}
	return &oauth2.Token{AccessToken: "own"}, nil
}

// The log says that a token got no answer if the endpoint, or the verifier's own
// credentials, are the reason. The probe logs any other failure.
func TestWhichFailuresOfATokenAreLogged(t *testing.T) {
	refused := behaviour{"", func(*http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}}
	for name, tt := range map[string]struct {
		auth introspect.Auth
		then behaviour
		want bool
	}{
		"an error of the endpoint":         {introspect.ClientSecretBasic("api", "secret"), broken, true},
		"a connection that was refused":    {introspect.ClientSecretBasic("api", "secret"), refused, false},
		"a token source that fails once":   {introspect.BearerToken(new(onceFailing)), inactive, true},
		"credentials that it rejects once": {introspect.ClientSecretBasic("api", "secret"), behaviour{"", answers(401, nil, "")}, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			var log lockedLog
			v := scripted(t, func(c *introspect.Config) {
				c.Auth, c.Logger = tt.auth, slog.New(slog.NewTextHandler(&log, nil))
			}, func(token string) behaviour {
				if isProbe(token) {
					return inactive
				}
				return tt.then
			})
			_, _ = v.Verify(t.Context(), "t-1")
			v.Close()
			if got := strings.Contains(log.String(), "the endpoint gives no answer about a token"); got != tt.want {
				t.Errorf("%s: logged %q", name, log.String())
			}
		})
	}
}

// An answer may have 256 KiB.
func TestLargestAnswer(t *testing.T) {
	for size, want := range map[int]string{256 << 10: "<nil>", 256<<10 + 1: "unavailable"} {
		const begin, end = `{"active":true,"aud":"` + audience + `","x":"`, `"}`
		body := begin + strings.Repeat("x", size-len(begin)-len(end)) + end
		v := scripted(t, nil, func(token string) behaviour { return behaviour{"", answers(200, nil, body)} })
		if _, err := v.Verify(t.Context(), "t-1"); codeOf(err) != want {
			t.Errorf("%d bytes: %v, want %s", size, err, want)
		}
	}
}

// Reports V5: in an outage no token is suspect, not even one that failed while the
// endpoint still answered about others.
func TestSuspicionEndsWithAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		v := scripted(t, nil, func(token string) behaviour {
			if down.Load() || token == "odd-1" {
				return broken
			}
			return active
		})
		suspect := func() bool {
			_, err := v.Verify(t.Context(), "odd-1")
			e, ok := errors.AsType[*bearer.Error](err)
			return ok && e.Suspect
		}
		if !suspect() {
			t.Error("while the endpoint answers: no suspicion")
		}
		down.Store(true)
		elapse(time.Millisecond)
		_, _ = v.Verify(t.Context(), "t-1")
		elapse(time.Second)
		if v.Stats().Open == 0 {
			t.Fatal("the circuit is closed")
		}
		if suspect() {
			t.Error("in an outage: the token is suspect")
		}
		v.Close()
	})
}

// How long a caller waits if its question fails: for the probe that shows whether the
// token is to blame, but for half a second at most. If the question took more than a
// second, the probe was sent long before.
func TestWaitsForTheProbe(t *testing.T) {
	limited := behaviour{"", answers(503, retryIn60, "")}
	for name, tt := range map[string]struct {
		question, probe int // in milliseconds
		then            behaviour
		good            int // when another question is asked and answered; zero: never
		want            int
	}{
		"a fast probe":                           {10, 40, inactive, 0, 75},
		"a slow probe":                           {10, 900, inactive, 0, 510},
		"a slow question":                        {1500, 900, inactive, 0, 1500},
		"a question of just a second":            {1000, 900, inactive, 0, 1000},
		"a later answer, so no probe":            {10, 40, inactive, 5, 10},
		"a later answer before the probe":        {10, 40, inactive, 20, 35},
		"a probe that fails":                     {10, 40, limited, 0, 75},
		"a probe that fails, and another answer": {10, 40, limited, 50, 75},
	} {
		synctest.Test(t, func(t *testing.T) {
			v := scripted(t, func(c *introspect.Config) { c.Logger = slog.New(slowLog{}) }, func(token string) behaviour {
				switch {
				case isProbe(token):
					elapse(ms(tt.probe))
					return tt.then
				case token == "good-1":
					return active
				}
				elapse(ms(tt.question))
				return broken
			})
			if tt.good > 0 {
				go func() {
					elapse(ms(tt.good))
					_, _ = v.Verify(t.Context(), "good-1")
				}()
			}
			start := time.Now()
			_, err := v.Verify(t.Context(), "t-1")
			if got := time.Since(start); codeOf(err) != "unavailable" || got != ms(tt.want) {
				t.Errorf("%s: %v after %v, want %v", name, err, got, ms(tt.want))
			}
			v.Close()
		})
	}
}

// slowLog takes a second to write the record of an outage.
type slowLog struct{ slog.Handler }

func (slowLog) Enabled(context.Context, slog.Level) bool { return true }

func (slowLog) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "cannot introspect tokens" {
		elapse(time.Second)
	}
	return nil
}

// A question from before an outage, which fails while a probe is due, has it sent.
func TestOldQuestionsProbeAnOpenCircuit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := &timeline{start: time.Now()}
		var down atomic.Bool
		v := scripted(t, nil, func(token string) behaviour {
			line.note(token)
			switch {
			case token == "hang-1":
				return never
			case down.Load():
				return broken
			}
			return active
		})
		go func() { _, _ = v.Verify(t.Context(), "hang-1") }()
		elapse(ms(1))
		_, _ = v.Verify(t.Context(), "good-1")
		elapse(ms(1999))
		down.Store(true)
		_, _ = v.Verify(t.Context(), "t-1")
		elapse(time.Until(line.start.Add(6 * time.Second)))
		if got, want := line.sent(), []int{2025, 2125, 2325, 5000}; !slices.Equal(got, want) {
			t.Errorf("probes after %v ms, want %v", got, want)
		}
		v.Close()
	})
}

// A probe that is answered does not make the verifier look for another endpoint.
func TestGoodProbesKeepTheEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var metadata atomic.Int32
		v := scripted(t, func(c *introspect.Config) { c.Endpoint = "" }, func(token string) behaviour {
			switch token {
			case "": // a GET
				metadata.Add(1)
				return behaviour{"", answers(200, nil, `{"issuer":"https://issuer.example.com","introspection_endpoint":"https://issuer.example.com/introspect"}`)}
			case "odd-1":
				return broken
			}
			return active
		})
		for _, token := range []string{"good-1", "odd-1", "good-2", "good-3"} {
			_, _ = v.Verify(t.Context(), token)
			elapse(30 * time.Second)
		}
		if n := metadata.Load(); n != 1 || v.Stats().Probes != 1 {
			t.Errorf("%d requests for metadata and %d probes, want one of each", n, v.Stats().Probes)
		}
		v.Close()
	})
}

// The bound of the tries holds with a shared cache too.
func TestTriesWithASharedCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		var tries atomic.Int32
		v := scripted(t, func(c *introspect.Config) { c.MaxAge, c.Shared = time.Second, newMemory() }, func(token string) behaviour {
			if !down.Load() {
				return active
			}
			if !isProbe(token) {
				tries.Add(1)
			}
			return behaviour{"", answers(503, retryIn60, "")}
		})
		for i := range 8 {
			_, _ = v.Verify(t.Context(), fmt.Sprint("good-", i))
		}
		elapse(2 * time.Second)
		down.Store(true)
		_, _ = v.Verify(t.Context(), "t-1")
		elapse(time.Second)
		// The second time, a probe is due. It fails, and a new count begins with the
		// token that waited for it.
		for _, uses := range []int{8, 4} {
			tries.Store(0)
			for i := range uses {
				_, _ = v.Verify(t.Context(), fmt.Sprint("good-", i))
			}
			if n := tries.Load(); n != 4 {
				t.Errorf("%d tokens were introspected, want 4", n)
			}
			elapse(11 * time.Second)
		}
		v.Close()
	})
}

// After Close no request is sent, not even the next one of a probe. A probe that Close
// ends is no outage.
func TestNoRequestAfterClose(t *testing.T) {
	for _, tt := range []struct {
		endpoint behaviour
		after    time.Duration
	}{{broken, ms(50)}, {broken, 2 * time.Second}, {never, 3 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			var log lockedLog
			v := scripted(t, func(c *introspect.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) }, func(token string) behaviour { return tt.endpoint })
			go func() { _, _ = v.Verify(t.Context(), "t-1") }()
			elapse(tt.after)
			const outage = "cannot introspect tokens"
			before, logged := v.Stats(), strings.Count(log.String(), outage)
			v.Close()
			elapse(10 * time.Second)
			if _, err := v.Verify(t.Context(), "t-2"); codeOf(err) != "unavailable" || !strings.Contains(err.Error(), "the verifier is closed") {
				t.Error(err)
			}
			elapse(10 * time.Second)
			if after := v.Stats(); after.Requests != before.Requests || after.Rejected != before.Rejected {
				t.Errorf("%s: %+v, and after Close %+v", tt.endpoint.name, before, after)
			}
			if n := strings.Count(log.String(), outage); n != logged {
				t.Errorf("%s: %d records of an outage, and after Close %d:\n%s", tt.endpoint.name, logged, n, log.String())
			}
		})
	}
}

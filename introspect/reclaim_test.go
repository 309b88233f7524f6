package introspect_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/introspect"
)

// ms is a duration in milliseconds.
func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// byToken returns an endpoint that reads from a token what to do: "hang-1" is not
// answered, "odd-1" gets 500, "good30-1" is active after 30 ms, and "bad30-1" inactive.
// The random tokens of probes are inactive after a time.
func byToken(probe time.Duration) func(token string) behaviour {
	return func(token string) behaviour {
		kind, _, _ := strings.Cut(token, "-")
		delay, then := probe, inactive
		switch {
		case kind == "hang":
			return never
		case kind == "odd":
			return broken
		case !isProbe(token):
			n := 0
			if _, err := fmt.Sscanf(strings.TrimLeft(kind, "gobad"), "%d", &n); err != nil {
				panic(err)
			}
			delay = ms(n)
			if strings.HasPrefix(kind, "good") {
				then = active
			}
		}
		return behaviour{"", func(r *http.Request) (*http.Response, error) {
			select {
			case <-time.After(delay):
				return then.do(r)
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		}}
	}
}

// When a question that hangs loses its slot to a waiting one: after the longest of
// 250 ms, eight times the last probe and four times the median of the answers about
// active tokens; but not before a second while that median is unknown, and no later
// than half of Timeout.
func TestWhenSlotsAreReclaimed(t *testing.T) {
	many := func(n, duration int) []int { return slices.Repeat([]int{duration}, n) }
	tests := []struct {
		name    string
		active  []int // durations of earlier answers about active tokens
		probe   int   // duration of the last probe
		timeout time.Duration
		hold    int // in milliseconds
	}{
		{"fast answers", []int{10}, 0, 0, 250},
		{"slow answers", []int{100}, 0, 0, 400},
		{"a slow probe", []int{10}, 50, 0, 400},
		{"no answer yet", nil, 0, 0, 1000},
		{"no answer yet, and a slow probe", nil, 100, 0, 1000},
		{"very slow answers", []int{1000}, 0, 0, 2500},
		{"slow answers, and a short timeout", []int{200}, 0, time.Second, 500},
		{"slow answers, and a timeout that is too short", []int{100}, 0, ms(400), 250},
		{"one answer that is much slower", []int{100, 5000}, 0, 20 * time.Second, 425},
		{"one answer that is a little slower", []int{100, 101}, 0, 0, 404},
		{"one answer that is much faster", []int{100, 10}, 0, 0, 375},
		{"one answer that is a little faster", []int{100, 99}, 0, 0, 396},
		{"answers that became slow", slices.Concat([]int{1}, many(60, 100)), 0, 0, 400},
	}
	for _, tt := range tests {
		// A waiting question looks every 50 ms: once just before hold, and once after.
		for _, before := range []int{5, 45} {
			synctest.Test(t, func(t *testing.T) {
				v := scripted(t, func(c *introspect.Config) {
					c.MaxConcurrent, c.Timeout, c.MaxAge = 2, tt.timeout, time.Hour
				}, byToken(ms(tt.probe)))
				for i, duration := range tt.active {
					_, _ = v.Verify(t.Context(), fmt.Sprintf("good%d-%d", duration, i))
				}
				elapse(time.Second)
				_, _ = v.Verify(t.Context(), "odd-1") // causes a probe
				elapse(time.Second)

				start := time.Now()
				go func() { _, _ = v.Verify(t.Context(), "hang-1") }()
				elapse(ms(1))
				if _, err := v.Verify(t.Context(), "bad0-1"); codeOf(err) != "unrecognized" {
					t.Fatal(err) // a later question is answered
				}
				go func() { _, _ = v.Verify(t.Context(), "hang-2") }()
				elapse(time.Until(start.Add(ms(tt.hold - before))))
				begin := time.Now()
				if _, err := v.Verify(t.Context(), "good0-last"); err != nil || time.Since(begin) != ms(50) {
					t.Errorf("%s: %v after %v, want a slot after 50ms", tt.name, err, time.Since(begin))
				}
				v.Close()
			})
		}
	}
}

// A question loses its slot only if a later one was answered. If none was, a waiting
// question has a probe sent, whose answer counts. The answer to an earlier question
// does not.
func TestSlotsAreReclaimedByLaterAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		before string // a question that is sent before the one that hangs
		after  string // and one after it
		from   int    // when a question waits for a slot, in milliseconds
		want   int    // how long it waits
	}{
		"a later answer":                  {"", "bad0-1", 260, 0},
		"no answer, so a probe":           {"", "", 260, 50},
		"an earlier answer, so a probe":   {"bad20-1", "", 260, 50},
		"a later answer and an earlier":   {"bad20-1", "bad0-1", 260, 0},
		"no answer, and waiting at first": {"", "", 100, 150},
	} {
		synctest.Test(t, func(t *testing.T) {
			v := scripted(t, func(c *introspect.Config) { c.MaxConcurrent = 3 }, byToken(0))
			_, _ = v.Verify(t.Context(), "good10-1")
			elapse(time.Second)
			ask := func(token string) {
				if token != "" {
					go func() { _, _ = v.Verify(t.Context(), token) }()
					elapse(ms(1))
				}
			}
			ask(tt.before)
			start := time.Now()
			ask("hang-1")
			ask(tt.after)
			elapse(ms(30))
			ask("hang-2")
			ask("hang-3")
			elapse(time.Until(start.Add(ms(tt.from))))
			begin := time.Now()
			if _, err := v.Verify(t.Context(), "good0-last"); err != nil || time.Since(begin) != ms(tt.want) {
				t.Errorf("%s: %v after %v, want a slot after %v", name, err, time.Since(begin), ms(tt.want))
			}
			v.Close()
		})
	}
}

// Slots are reclaimed in the order in which the questions were sent, and each slot
// once.
func TestSlotsAreReclaimedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := scripted(t, func(c *introspect.Config) { c.MaxConcurrent = 2 }, byToken(0))
		for i := range 20 { // they leave their slots
			_, _ = v.Verify(t.Context(), fmt.Sprint("good10-", i))
		}
		elapse(time.Second)
		start := time.Now()
		ended := [3]atomic.Int64{}
		hang := func(n int) {
			go func() {
				_, _ = v.Verify(t.Context(), fmt.Sprint("hang-", n))
				ended[n].Store(int64(time.Since(start)))
			}()
			elapse(ms(1))
		}
		hang(1)
		if _, err := v.Verify(t.Context(), "bad0-1"); codeOf(err) != "unrecognized" {
			t.Fatal(err)
		}
		elapse(ms(100))
		hang(2)
		elapse(time.Until(start.Add(ms(300))))
		if _, err := v.Verify(t.Context(), "good0-1"); err != nil || time.Since(start) != ms(300) {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		synctest.Wait()
		if one, two := time.Duration(ended[1].Load()), ended[2].Load(); one != ms(300) || two != 0 {
			t.Errorf("the first ended after %v, and the second after %v; want 300ms and not yet", one, time.Duration(two))
		}
		v.Close()
	})
}

// A question that lost its slot within a second may only have been slow, so its token
// is introspected again at its next use. After a second, the token is paused.
func TestPauseOfAnOvertakenToken(t *testing.T) {
	for _, tt := range []struct {
		after  int // when the slot is lost, in milliseconds
		median int
		asked  int32
	}{{300, 10, 2}, {999, 200, 2}, {1000, 200, 1}, {1500, 200, 1}} {
		synctest.Test(t, func(t *testing.T) {
			var asked atomic.Int32
			endpoint := byToken(0)
			v := scripted(t, func(c *introspect.Config) { c.MaxConcurrent = 2 }, func(token string) behaviour {
				if token == "hang-1" {
					asked.Add(1)
				}
				return endpoint(token)
			})
			_, _ = v.Verify(t.Context(), fmt.Sprintf("good%d-0", tt.median))
			elapse(time.Second)
			start := time.Now()
			go func() { _, _ = v.Verify(t.Context(), "hang-1") }()
			elapse(ms(1))
			_, _ = v.Verify(t.Context(), "bad0-1")
			elapse(ms(tt.after - 20))
			go func() { _, _ = v.Verify(t.Context(), "hang-2") }()
			elapse(time.Until(start.Add(ms(tt.after))))
			if _, err := v.Verify(t.Context(), "good0-1"); err != nil || time.Since(start) != ms(tt.after) {
				t.Errorf("%d ms: %v after %v", tt.after, err, time.Since(start))
			}
			synctest.Wait() // until the token that was overtaken has its answer
			go func() { _, _ = v.Verify(t.Context(), "hang-1") }()
			synctest.Wait()
			if n := asked.Load(); n != tt.asked {
				t.Errorf("overtaken after %d ms: %d requests for two uses, want %d", tt.after, n, tt.asked)
			}
			v.Close()
		})
	}
}

// An introspection that waits for a slot while the circuit opens is judged again: a
// token that was active before may be one of the tries, and no other token is sent.
func TestWaitingTokensAreJudgedAgain(t *testing.T) {
	for slow, want := range map[string]int32{"good400-1": 1, "good700-1": 0} { // they wait for 500 ms at most
		synctest.Test(t, func(t *testing.T) {
			endpoint := byToken(0)
			var down atomic.Bool
			var known, other atomic.Int32
			v := scripted(t, func(c *introspect.Config) { c.MaxConcurrent, c.MaxAge = 1, time.Second }, func(token string) behaviour {
				switch {
				case strings.HasPrefix(token, "good0-known"):
					known.Add(1)
				case strings.HasPrefix(token, "good0-other"):
					other.Add(1)
				}
				if down.Load() && token != slow {
					return behaviour{"", answers(503, retryIn60, "")}
				}
				return endpoint(token)
			})
			_, _ = v.Verify(t.Context(), "good0-known")
			elapse(2 * time.Second)
			down.Store(true)
			go func() { _, _ = v.Verify(t.Context(), "odd-1") }()
			elapse(ms(1))
			go func() { _, _ = v.Verify(t.Context(), slow) }()
			elapse(ms(1))
			for _, token := range []string{"good0-other1", "good0-known", "good0-other2"} {
				go func() { _, _ = v.Verify(t.Context(), token) }()
			}
			known.Store(0)
			elapse(time.Second)
			if v.Stats().Open == 0 {
				t.Fatal("the circuit is closed")
			}
			if k, o := known.Load(), other.Load(); k != want || o != 0 {
				t.Errorf("%s: the known token was sent %d times, want %d, and others %d times, want never", slow, k, want, o)
			}
			v.Close()
		})
	}
}

// An answer that arrives although the question has lost its slot is used.
func TestOvertakenAnswersAreUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endpoint := byToken(0)
		v := scripted(t, func(c *introspect.Config) { c.MaxConcurrent = 2 }, func(token string) behaviour {
			if token == "late-1" {
				elapse(ms(400)) // whatever the context says
				return active
			}
			return endpoint(token)
		})
		_, _ = v.Verify(t.Context(), "good10-1")
		elapse(time.Second)
		var late error
		var wg sync.WaitGroup
		wg.Go(func() { _, late = v.Verify(t.Context(), "late-1") })
		elapse(ms(1))
		_, _ = v.Verify(t.Context(), "bad0-1")
		go func() { _, _ = v.Verify(t.Context(), "hang-1") }()
		elapse(ms(299))
		start := time.Now()
		if _, err := v.Verify(t.Context(), "good0-1"); err != nil || time.Since(start) > ms(100) {
			t.Errorf("no slot was reclaimed: %v after %v", err, time.Since(start))
		}
		wg.Wait()
		if late != nil {
			t.Errorf("the late answer: %v", late)
		}
		v.Close()
	})
}

// A question that lost its slot does not wait for a probe: the endpoint works.
func TestOvertakenQuestionsDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := scripted(t, func(c *introspect.Config) { c.MaxConcurrent = 3 }, byToken(ms(400)))
		_, _ = v.Verify(t.Context(), "good10-1")
		elapse(time.Second)
		start := time.Now()
		var took time.Duration
		var wg sync.WaitGroup
		wg.Go(func() {
			_, _ = v.Verify(t.Context(), "hang-1")
			took = time.Since(start)
		})
		elapse(ms(1))
		_, _ = v.Verify(t.Context(), "bad0-1")
		elapse(ms(199))
		go func() { _, _ = v.Verify(t.Context(), "odd-1") }() // its probe takes until 625 ms
		elapse(ms(50))
		go func() { _, _ = v.Verify(t.Context(), "hang-2") }()
		go func() { _, _ = v.Verify(t.Context(), "hang-3") }()
		elapse(ms(50))
		_, _ = v.Verify(t.Context(), "good0-1")
		wg.Wait()
		if took != ms(300) {
			t.Errorf("the answer came after %v, want 300ms", took)
		}
		v.Close()
	})
}

// A question that waits for a slot when the verifier is closed is not sent.
func TestCloseEndsTheWaitForASlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endpoint := byToken(0)
		v := scripted(t, func(c *introspect.Config) { c.MaxConcurrent = 1 }, func(token string) behaviour {
			if token == "late-1" {
				elapse(ms(400)) // whatever the context says
				return active
			}
			return endpoint(token)
		})
		go func() { _, _ = v.Verify(t.Context(), "late-1") }()
		elapse(ms(1))
		go func() { _, _ = v.Verify(t.Context(), "good0-1") }()
		elapse(ms(100))
		v.Close()
		if s := v.Stats(); s.Requests-s.Probes != 1 {
			t.Errorf("%+v, want one request about a token", s)
		}
	})
}

// Forget does not let more than four times MaxConcurrent questions wait.
func TestForgottenQuestionsStillCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := scripted(t, func(c *introspect.Config) { c.MaxConcurrent = 1 }, byToken(0))
		for i := range 5 { // one has the slot
			token := fmt.Sprint("hang-", i)
			go func() { _, _ = v.Verify(t.Context(), token) }()
			elapse(ms(1))
			if err := v.Forget(t.Context(), token); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		if _, err := v.Verify(t.Context(), "good0-1"); codeOf(err) != "unavailable" || time.Since(start) > 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		v.Close()
	})
}

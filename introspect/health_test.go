package introspect_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/introspect"
)

// Reports V1 to V5, as properties. There are good clients, a hostile client that
// decides how the endpoint treats its own tokens, and outages, all at random:
//
//   - While the endpoint answers about good tokens, at least 99 % of them are
//     accepted.
//   - Once an outage has been detected, few requests are sent, and every caller
//     has an answer within a second.
//
// BEARERKIT_RUNS is the number of runs of five minutes each, 1 by default. The
// number of a run is its seed.
//
//	BEARERKIT_RUNS=200 go test ./introspect -run TestNobodyIsShutOut -v
func TestNobodyIsShutOut(t *testing.T) {
	runs := runs(t)
	var good, refused, outages, questions int
	for seed := range runs {
		synctest.Test(t, func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("the seed is %d", seed)
				}
			}()
			s := newSimulation(uint64(seed))
			s.run(t, 5*time.Minute)
			good, refused = good+s.good, refused+s.refused
			outages, questions = outages+s.outages, questions+s.questions
		})
	}
	t.Logf("%d runs: %d good tokens while the endpoint answered, %d of them refused; %d outages found out, with %d questions",
		runs, good, refused, outages, questions)
	if good < runs*1000 || outages < runs {
		t.Error("too little happened: the runs show nothing")
	}
}

// behaviour is how the endpoint treats a token.
type behaviour struct {
	name string
	do   func(r *http.Request) (*http.Response, error)
}

func answers(status int, header http.Header, body string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func resets(*http.Request) (*http.Response, error) { return nil, syscall.ECONNRESET }

func drips(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(dripping{r.Context()})}, nil
}

type dripping struct{ ctx context.Context }

func (d dripping) Read(b []byte) (int, error) {
	select {
	case <-time.After(100 * time.Millisecond):
		b[0] = ' '
		return 1, nil
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	}
}

var retryIn60 = http.Header{"Retry-After": {"60"}}

// whims are the ways in which the endpoint may treat the hostile client's tokens.
var whims = []behaviour{
	{"exp as a string", answers(200, nil, `{"active":true,"exp":"1"}`)},
	{"aud as a number", answers(200, nil, `{"active":true,"aud":7}`)},
	{"HTML", answers(200, nil, "<!doctype html>")},
	{"too much", answers(200, nil, `{"active":true,"x":"`+strings.Repeat("x", 300<<10)+`"}`)},
	{"400", answers(400, nil, `{"error":"invalid_request"}`)},
	{"401", answers(401, nil, "")},
	{"403", answers(403, nil, "")},
	{"404", answers(404, nil, "")},
	{"429", answers(429, retryIn60, "")},
	{"500", answers(500, nil, "")},
	{"503", answers(503, retryIn60, "")},
	{"a redirect", answers(307, http.Header{"Location": {"/elsewhere"}}, "")},
	{"never", hangs},
	{"reset", resets},
	{"drip", drips},
	{"active", answers(200, nil, `{"active":true,"aud":"`+audience+`"}`)},
	{"inactive", answers(200, nil, `{"active":false}`)},
}

// ends are the ways in which the endpoint fails for all.
var ends = []behaviour{
	{"refused", func(*http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}},
	{"hang", hangs},
	{"reset", resets},
	{"500", answers(500, nil, "")},
	{"503", answers(503, retryIn60, "")},
	{"429", answers(429, retryIn60, "")},
	{"401", answers(401, nil, "")},
	{"HTML", answers(200, nil, "<!doctype html>")},
}

type simulation struct {
	rand *rand.Rand
	down atomic.Pointer[behaviour] // nil: the endpoint works

	asked atomic.Int32
	mu    sync.Mutex
	seen  []result

	good, refused, outages, questions int // the results
}

// result is the outcome of a good token.
type result struct {
	began, ended time.Time
	err          error
}

// period is a time in which the endpoint works, or fails.
type period struct {
	began, found, ended time.Time // an outage must be detected by found
	down                *behaviour
	asked, after        int32 // number of questions at found and at the end
}

func newSimulation(seed uint64) *simulation {
	return &simulation{rand: rand.New(rand.NewPCG(seed, 1))}
}

func (s *simulation) between(low, high time.Duration) time.Duration {
	return low + time.Duration(s.rand.Int64N(int64(high-low)))
}

func (s *simulation) RoundTrip(r *http.Request) (*http.Response, error) {
	s.asked.Add(1)
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	if down := s.down.Load(); down != nil {
		return down.do(r)
	}
	token := r.PostForm.Get("token")
	select {
	case <-time.After(time.Duration(1+len(token)%7) * time.Millisecond):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	kind, rest, _ := strings.Cut(token, "-")
	switch kind {
	case "good":
		return answers(200, nil, `{"active":true,"aud":"`+audience+`","sub":"`+rest+`"}`)(r)
	case "hostile":
		whim, _, _ := strings.Cut(rest, "-")
		n, err := strconv.Atoi(whim)
		if err != nil {
			return nil, err
		}
		return whims[n].do(r)
	}
	return answers(200, nil, `{"active":false}`)(r)
}

func (s *simulation) run(t *testing.T, length time.Duration) {
	const timeout = 5 * time.Second
	v, err := introspect.New(introspect.Config{
		Issuer: "https://issuer.example.com", Endpoint: "https://issuer.example.com/introspect",
		Audience: []string{audience}, Auth: introspect.ClientSecretBasic("api", "secret"),
		Client: &http.Client{Transport: s}, Timeout: timeout, MaxAge: 20 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	var wg sync.WaitGroup
	verify := func(token string, good bool) {
		wg.Go(func() {
			began := time.Now()
			_, err := v.Verify(t.Context(), token)
			if good {
				s.mu.Lock()
				s.seen = append(s.seen, result{began, time.Now(), err})
				s.mu.Unlock()
			}
		})
	}
	fresh, known, hostile := s.between(0, 60), s.between(1, 60), s.between(0, 120) // rates per second
	end := time.Now().Add(length)
	var periods []period
	for n := 0; time.Now().Before(end); {
		p := period{began: time.Now(), asked: -1}
		p.ended = p.began.Add(s.between(30*time.Second, 90*time.Second))
		if len(periods)%2 == 1 {
			p.ended = p.began.Add(s.between(time.Second, 60*time.Second))
			p.down = &ends[s.rand.IntN(len(ends))]
		}
		p.found = p.began.Add(timeout + 2*time.Second)
		s.down.Store(p.down)
		whim := s.rand.IntN(len(whims))
		for time.Now().Before(p.ended) {
			if n++; n%500 == 0 {
				whim = s.rand.IntN(len(whims))
			}
			if p.asked < 0 && !time.Now().Before(p.found) {
				p.asked = s.asked.Load()
			}
			// A step is 10 ms, so a rate of 100 a second is one each step.
			chance := func(rate time.Duration) bool { return time.Duration(s.rand.IntN(100)) < rate }
			if chance(fresh) {
				verify(fmt.Sprint("good-fresh-", n), true)
			}
			if chance(known) {
				verify(fmt.Sprint("good-known-", s.rand.IntN(50)), true)
			}
			if chance(hostile) {
				verify(fmt.Sprintf("hostile-%d-%d", whim, n-s.rand.IntN(3)), false)
			}
			elapse(10 * time.Millisecond)
		}
		p.after = s.asked.Load()
		periods = append(periods, p)
	}
	wg.Wait()
	s.judge(t, periods)
}

// judge checks the properties.
func (s *simulation) judge(t *testing.T, periods []period) {
	for i, p := range periods {
		var all, bad int
		var why error
		if p.down == nil {
			// Requests from the last outage end within their timeout, and the
			// probe that detects the recovery is due after a quarter of the outage.
			well := p.began
			if i > 0 {
				wait := min(p.began.Sub(periods[i-1].began)/4, 10*time.Second)
				if name := periods[i-1].down.name; name == "429" || name == "503" {
					wait = 10 * time.Second // the Retry-After of the probe
				}
				well = well.Add(6*time.Second + wait)
			}
			for _, r := range s.seen {
				if r.began.Before(well) || !r.ended.Before(p.ended) {
					continue
				}
				if all++; r.err != nil {
					bad, why = bad+1, r.err
				}
			}
			if bad*100 > all {
				t.Errorf("period %d, %v: %d of %d good tokens refused, the last: %v", i, p.ended.Sub(p.began), bad, all, why)
			}
			s.good, s.refused = s.good+all, s.refused+bad
			continue
		}
		if p.asked < 0 {
			continue // too short to be detected
		}
		s.outages++
		for _, r := range s.seen {
			if r.began.Before(p.found) || !r.ended.Before(p.ended) {
				continue
			}
			if took := r.ended.Sub(r.began); took > time.Second {
				t.Errorf("period %d, %s: an answer after %v", i, p.down.name, took)
			}
			if r.err != nil && codeOf(r.err) != "unavailable" && !errors.Is(r.err, context.Canceled) {
				t.Errorf("period %d, %s: %v", i, p.down.name, r.err)
			}
		}
		// A probe and four tries at each step, of a second at first.
		asked := int(p.after - p.asked)
		s.questions += asked
		if seconds := int(p.ended.Sub(p.found)/time.Second) + 2; asked > 6*seconds {
			t.Errorf("period %d, %s: %d questions in %d s of an outage", i, p.down.name, asked, seconds)
		}
	}
}

// runs returns BEARERKIT_RUNS, or 1 if it is not set.
func runs(t testing.TB) int {
	t.Helper()
	s := os.Getenv("BEARERKIT_RUNS")
	if s == "" {
		return 1
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("BEARERKIT_RUNS: %v", err)
	}
	return n
}

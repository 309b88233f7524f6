package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"golang.org/x/perf/benchmath"
)

// This file is long because a measurement is one thought: how rounds are timed,
// which of them count, and what is computed from them belong together.

// entry is one contender in one case.
type entry struct {
	name    string
	n       int               // operations in a round; 0: as many as fit into the case's slice of time
	prepare func(n int) error // before the clock runs; may be nil
	run     func(n int) error // n operations; fails if an answer was wrong
	spread  bool              // over all cores
}

// series is what was measured of an entry: a time for each round, and
// allocations.
type series struct {
	name          string
	ns            []float64 // for an operation, by round
	bytes, allocs float64   // for an operation
}

// result is a case: its series were measured in the same rounds, so that
// values of one index belong together. Of busy rounds there are none.
type result struct {
	name   string
	series []series
	probe  []time.Duration // by round
}

// harness measures entries side by side. The machine's noise lasts longer than
// a round, and so meets all contenders alike; figures are ratios within rounds.
type harness struct {
	rounds   int
	slice    time.Duration // of an entry in a round
	batch    int           // distinct tokens that a round takes
	kept     int           // tokens whose memory is measured
	rng      *rand.Rand
	progress io.Writer
	measured map[string]result // by case, of all rounds until now
}

// measure runs the entries in rounds, each round in another order, and returns
// what was measured of the case until now, also when it was measured before. The
// collector runs between rounds, never in them: what is allocated is told by
// bytes and allocs alone.
func (h *harness) measure(name string, entries ...entry) (result, error) {
	fmt.Fprintf(h.progress, "%s\n", name)
	res, again := h.measured[name]
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	if !slices.ContainsFunc(entries, func(e entry) bool { return e.spread }) {
		// Whoever has its turn in a round has it on the same core, as far as we
		// can say.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	runtime.GC()
	for at := range entries {
		s, err := h.warm(&entries[at])
		if err != nil {
			return res, fmt.Errorf("%s: %s: %w", name, entries[at].name, err)
		}
		if !again {
			res.series = append(res.series, s)
		} else if res.series[at].name != s.name {
			return res, fmt.Errorf("%s: %s has the place that %s had", name, s.name, res.series[at].name)
		}
	}
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	for range h.rounds {
		res.probe = append(res.probe, probe())
		for _, at := range h.rng.Perm(len(entries)) {
			elapsed, err := entries[at].once()
			if err != nil {
				return res, fmt.Errorf("%s: %s: %w", name, entries[at].name, err)
			}
			res.series[at].ns = append(res.series[at].ns, float64(elapsed)/float64(entries[at].n))
		}
		if runtime.ReadMemStats(&now); now.HeapAlloc > before.HeapAlloc+8<<20 {
			runtime.GC()
		}
	}
	res.name = name
	if h.measured == nil {
		h.measured = map[string]result{}
	}
	h.measured[name] = res
	return res.quiet(), nil
}

// quiet leaves out the three quarters of the rounds in which the probe took
// longest: the machine had other work then.
func (r result) quiet() result {
	limit := slices.Sorted(slices.Values(r.probe))[len(r.probe)/4]
	kept := result{name: r.name}
	for _, s := range r.series {
		all := s.ns
		s.ns = nil
		for round, ns := range all {
			if r.probe[round] <= limit {
				s.ns = append(s.ns, ns)
			}
		}
		kept.series = append(kept.series, s)
	}
	return kept
}

// probe returns how long the machine takes for what is like the work of a request,
// and nobody's that is measured: to read JSON, branch and allocate. This thread
// does it alone, and then all cores do, since one may be busy and not the other.
func probe() time.Duration {
	work := func() {
		for range 100 {
			var claims map[string]any
			if err := json.Unmarshal(probed, &claims); err != nil {
				panic(err)
			}
		}
	}
	start := time.Now()
	work()
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Go(work)
	}
	wait.Wait()
	return time.Since(start)
}

var probed = []byte(`{"iss":"https://issuer.example.com","sub":"alice","aud":["https://api.example.com"],"exp":1800000000,"scope":"openid profile email","amr":["pwd","otp"]}`)

// warm finds out how many operations fit into a slice, and counts allocations.
func (h *harness) warm(e *entry) (series, error) {
	s := series{name: e.name}
	if e.n == 0 {
		for e.n = 1; ; e.n *= 2 {
			// The least of some, since a pause would be taken for work.
			elapsed := time.Duration(math.MaxInt64)
			for range 3 {
				took, err := e.once()
				if err != nil {
					return s, err
				}
				elapsed = min(elapsed, took)
			}
			if elapsed >= h.slice/4 {
				e.n = max(1, int(float64(e.n)*float64(h.slice)/float64(elapsed)))
				break
			}
		}
	}
	// The least of some, since what runs in the background can only add.
	for attempt := range 3 {
		if e.prepare != nil {
			if err := e.prepare(e.n); err != nil {
				return s, err
			}
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := e.run(e.n); err != nil {
			return s, err
		}
		runtime.ReadMemStats(&after)
		allocs := float64(after.Mallocs-before.Mallocs) / float64(e.n)
		if attempt == 0 || allocs < s.allocs {
			s.allocs, s.bytes = allocs, float64(after.TotalAlloc-before.TotalAlloc)/float64(e.n)
		}
	}
	return s, nil
}

func (e *entry) once() (time.Duration, error) {
	if e.prepare != nil {
		if err := e.prepare(e.n); err != nil {
			return 0, err
		}
	}
	start := time.Now()
	err := e.run(e.n)
	return time.Since(start), err
}

func (r result) of(name string) series {
	for _, s := range r.series {
		if s.name == name {
			return s
		}
	}
	return series{name: name}
}

// summary is the median with its confidence interval, by the statistics of
// benchstat: no distribution is assumed.
func summary(values []float64) benchmath.Summary {
	thresholds := benchmath.DefaultThresholds
	sample := benchmath.NewSample(slices.Clone(values), &thresholds) // it sorts
	return benchmath.AssumeNothing.Summary(sample, 0.95)
}

// combine summarizes a figure that each round gives by the times of several
// series.
func combine(figure func(ns ...float64) float64, of ...series) benchmath.Summary {
	var values []float64
	for round := range of[0].ns {
		var ns []float64
		for _, s := range of {
			ns = append(ns, s.ns[round])
		}
		values = append(values, figure(ns...))
	}
	return summary(values)
}

func ratio(s, to series) benchmath.Summary {
	return combine(func(ns ...float64) float64 { return ns[0] / ns[1] }, s, to)
}

// writer is a ResponseWriter that is used again, and counts the answers.
type writer struct {
	header  http.Header
	status  int
	classes [6]int // 2xx, 4xx and so on
}

func newWriter() *writer { return &writer{header: http.Header{}} }

func (w *writer) Header() http.Header { return w.header }

func (w *writer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *writer) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return len(b), nil
}

func (w *writer) serve(h http.Handler, r *http.Request) {
	w.status = 0
	h.ServeHTTP(w, r)
	w.classes[w.status/100%6]++
	if len(w.header) > 0 {
		clear(w.header)
	}
}

// takeAnswers fails unless there were n answers of a class since it was called
// last.
func (w *writer) takeAnswers(n, class int) error {
	defer func() { w.classes = [6]int{} }()
	if w.classes[class] != n {
		return fmt.Errorf("answers by class %v; want %d of %dxx", w.classes, n, class)
	}
	return nil
}

const (
	accepted = 2
	refused  = 4
)

// serving answers requests in turn, n at a time.
func serving(h http.Handler, class int, rs ...*http.Request) func(n int) error {
	w := newWriter()
	return func(n int) error {
		for at := range n {
			w.serve(h, rs[at%len(rs)])
		}
		return w.takeAnswers(n, class)
	}
}

// onAllCores shares n operations out to as many goroutines as there are cores.
// Each has a run of its own, from part.
func onAllCores(part func(worker int) func(from, n int) error) func(n int) error {
	workers := runtime.GOMAXPROCS(0)
	runs := make([]func(from, n int) error, workers)
	for worker := range runs {
		runs[worker] = part(worker)
	}
	errs := make([]error, workers)
	return func(n int) error {
		var wg sync.WaitGroup
		for worker := range workers {
			from, to := n*worker/workers, n*(worker+1)/workers
			wg.Go(func() { errs[worker] = runs[worker](from, to-from) })
		}
		wg.Wait()
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
		return nil
	}
}

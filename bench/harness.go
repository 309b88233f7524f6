package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// entry is one contender in one case.
type entry struct {
	name    string
	n       int               // operations per round; 0: as many as fit into a slice
	prepare func(n int) error // runs before the clock starts; may be nil
	run     func(n int) error // n operations; returns an error if an answer was wrong
	spread  bool              // runs on all cores
}

// series is the measurement of an entry.
type series struct {
	name          string
	ns            []float64 // per operation, one value per round
	bytes, allocs float64   // per operation
}

// result is the measurement of a case. All of its series were measured in the
// same rounds, so values with the same index belong together.
type result struct {
	name   string
	series []series
	probe  []time.Duration // one value per round
}

// harness measures entries side by side. Noise on the machine lasts longer than a
// round, so it affects all contenders alike. Figures are ratios within rounds.
type harness struct {
	rounds   int
	slice    time.Duration // time per entry and round
	batch    int           // distinct tokens per round
	kept     int           // tokens whose memory is measured
	rng      *rand.Rand
	progress io.Writer
	measured map[string]result // by case, of all rounds so far
}

// measure runs the entries in rounds, in random order, and returns all
// measurements of the case so far, including those of earlier calls. The garbage
// collector runs only between rounds, so the times do not include it; bytes and
// allocs show the cost of allocations.
func (h *harness) measure(name string, entries ...entry) (result, error) {
	fmt.Fprintf(h.progress, "%s\n", name)
	res, again := h.measured[name]
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	if !slices.ContainsFunc(entries, func(e entry) bool { return e.spread }) {
		// Keep all entries on one core as far as possible.
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
			return res, fmt.Errorf("%s: entry %s is at the index of %s", name, s.name, res.series[at].name)
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

// quiet discards the three quarters of the rounds with the slowest probes: the
// machine was busy with other work.
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

// probe times work that resembles a request but uses no contender's code: reading
// JSON, branching and allocating. It runs on this thread first and then on all
// cores, because only one of them may be busy.
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

// warm determines how many operations fit into a slice and counts allocations.
func (h *harness) warm(e *entry) (series, error) {
	s := series{name: e.name}
	if e.n == 0 {
		for e.n = 1; ; e.n *= 2 {
			// Take the minimum of three: a pause only adds time.
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
	// Take the minimum of three: background work only adds allocations.
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

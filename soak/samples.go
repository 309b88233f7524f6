package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/bearerkit/bearerkit/soak/internal/instance"
)

const (
	sampleEvery   = 5 * time.Second
	progressEvery = 10 * time.Second

	// growthAfter is the shortest run whose memory is judged. Caches fill first.
	growthAfter = 10 * time.Minute
	// maxGrowth is how much the live heap of an instance may grow in the last part
	// of such a run, by a straight line through its samples.
	maxGrowth = 4 << 20

	// spare is how many goroutines and files an idle instance may have more than
	// before the load: connections to issuers and Redis that it keeps for later.
	spareGoroutines = 30
	spareFiles      = 80
)

// sample is the state of an instance at a time.
type sample struct {
	At       float64 `json:"at"` // seconds since the beginning
	Instance int     `json:"instance"`
	instance.State
}

// samples are those of a run. They are safe for concurrent use.
type samples struct {
	began    time.Time
	baseline []instance.State // of each instance before the load
	final    []instance.State // and after it
	growth   []float64        // of the live heap in the last part of a long run, in bytes

	mu   sync.Mutex
	list []sample
}

// sample takes samples and prints the progress until ctx is done.
func (s *soak) sample(ctx context.Context) {
	said := time.Now()
	for pause(ctx, sampleEvery) {
		for i, p := range s.processes {
			state, err := p.state(ctx)
			if err != nil { // it is down, or the run is over
				continue
			}
			s.samples.mu.Lock()
			s.samples.list = append(s.samples.list, sample{time.Since(s.samples.began).Seconds(), i, state})
			s.samples.mu.Unlock()
		}
		if time.Since(said) >= progressEvery {
			said = time.Now()
			s.sayProgress()
		}
	}
}

func (s *soak) sayProgress() {
	s.results.mu.Lock()
	total, wrong := s.results.total, s.results.wrongs
	s.results.mu.Unlock()
	text := ""
	for _, w := range s.world.all() {
		if w.End.IsZero() {
			text += fmt.Sprintf("; %s %s", trackNames[w.Track], w.Fault)
		}
	}
	fmt.Fprintf(s.config.progress, "%4.0f s: %d answers, %d wrong, %d under way%s\n",
		time.Since(s.samples.began).Seconds(), total, wrong, s.inFlight.Load(), text)
}

// finish waits until the instances are idle, compares them with the beginning, and
// stops them. An instance reports by itself if it leaves something behind.
func (s *soak) finish() {
	s.client.close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for i, p := range s.processes {
		state, err := s.settled(ctx, p, s.samples.baseline[i])
		s.note(err)
		s.samples.final = append(s.samples.final, state)
	}
	s.judgeGrowth()
	for _, p := range s.processes {
		s.note(p.stop())
		if err := p.logs.err(); err != nil {
			s.note(fmt.Errorf("%s: %w", p.config.Framework, err))
		}
	}
}

// settled returns the state of an idle instance. It is an error if the instance
// has more goroutines, files or connections than it may have.
func (s *soak) settled(ctx context.Context, p *process, baseline instance.State) (state instance.State, err error) {
	for attempt := 0; attempt < 60; attempt++ {
		if state, err = p.state(ctx); err != nil {
			return state, err
		}
		if state.Connections == 0 && state.Goroutines <= baseline.Goroutines+spareGoroutines && state.Files <= baseline.Files+spareFiles {
			return state, nil
		}
		if !pause(ctx, 250*time.Millisecond) {
			break
		}
	}
	return state, fmt.Errorf("%s keeps %d goroutines, %d files and %d connections of clients when it is idle; before the load it had %d, %d and %d",
		p.config.Framework, state.Goroutines, state.Files, state.Connections, baseline.Goroutines, baseline.Files, baseline.Connections)
}

// judgeGrowth judges the memory of the last part of a long run, which has no
// restarts.
func (s *soak) judgeGrowth() {
	if s.config.duration < growthAfter {
		return
	}
	from := s.config.duration.Seconds() * 65 / 100
	for i, p := range s.processes {
		n, grown := growth(s.samples.list, i, from)
		s.samples.growth = append(s.samples.growth, grown)
		if n < 10 {
			s.note(fmt.Errorf("%s: only %d samples of memory", p.config.Framework, n))
		} else if grown > maxGrowth {
			s.note(fmt.Errorf("%s: the live heap grew by %.1f MiB in the last %.0f s", p.config.Framework, grown/(1<<20), s.config.duration.Seconds()-from))
		}
	}
}

// growth fits a straight line to the live heap of an instance after a time, and
// returns how much the line rises between the first sample and the last.
func growth(list []sample, at int, from float64) (n int, rise float64) {
	var x, y, xx, xy, first, last float64
	for _, one := range list {
		if one.Instance != at || one.At < from {
			continue
		}
		if n == 0 {
			first = one.At
		}
		n++
		last = one.At
		t, h := one.At-from, float64(one.Heap)
		x, y, xx, xy = x+t, y+h, xx+t*t, xy+t*h
	}
	if spread := float64(n)*xx - x*x; spread > 0 {
		rise = (float64(n)*xy - x*y) / spread * (last - first)
	}
	return n, rise
}

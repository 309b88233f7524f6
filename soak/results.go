package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// results collects the answers of a run. It is safe for concurrent use.
type results struct {
	mu      sync.Mutex
	began   time.Time
	out     io.Writer // for the first wrong answers
	byKind  map[string]*tally
	byPhase map[string]*tally
	cells   map[[2]string]*tally // by kind and phase
	seconds []*tally             // of the drawing
	wrong   []wrongAnswer
	wrongs  int
	total   int
}

// tally counts the answers of some requests.
type tally struct {
	answers [8]int // by their bit
	wrong   int
	times   histogram
}

// wrongAnswer is an answer that was not allowed. It has no token.
type wrongAnswer struct {
	At       float64 `json:"at"` // seconds since the beginning
	Kind     string  `json:"kind"`
	Phase    string  `json:"fault"`
	Side     string  `json:"side"`
	Instance string  `json:"instance"`
	Got      string  `json:"got"`
	Allowed  string  `json:"allowed"`
	Detail   string  `json:"detail,omitempty"`
	Took     float64 `json:"took"` // seconds
}

// String returns the line that the program prints.
func (w wrongAnswer) String() string {
	return fmt.Sprintf("wrong: at %.3f s, %q at %s, side %s, %s: got %s, allowed %s, after %.3f s. %s",
		w.At, w.Kind, w.Instance, w.Side, w.Phase, w.Got, w.Allowed, w.Took, w.Detail)
}

const (
	listed = 200 // wrong answers in a report
	told   = 5   // wrong answers that are printed while the program runs
)

func newResults(out io.Writer) *results {
	return &results{out: out, byKind: map[string]*tally{}, byPhase: map[string]*tally{}, cells: map[[2]string]*tally{}}
}

// add counts an answer.
func (s *results) add(r *request, got, allowed answers, detail, phase string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	took := r.to.Sub(r.from)
	isWrong := got&allowed == 0
	s.total++
	for _, t := range []*tally{tallyIn(s.byKind, string(r.kind)), tallyIn(s.byPhase, phase), tallyIn(s.cells, [2]string{string(r.kind), phase})} {
		t.add(got, took, isWrong)
	}
	at := int(r.to.Sub(s.began) / time.Second)
	for len(s.seconds) <= at {
		s.seconds = append(s.seconds, &tally{})
	}
	s.seconds[at].add(got, took, isWrong)
	if !isWrong {
		return
	}
	if s.wrongs++; len(s.wrong) == listed {
		return
	}
	if r.kind == hostile {
		detail = r.token.subject + "; " + detail // the name of the hostile token
	}
	w := wrongAnswer{
		At: r.from.Sub(s.began).Seconds(), Kind: string(r.kind), Phase: phase, Side: string(rune('a' + r.side)),
		Instance: trackNames[instances+track(r.instance)], Got: got.String(), Allowed: allowed.String(), Detail: detail, Took: took.Seconds(),
	}
	if s.wrong = append(s.wrong, w); len(s.wrong) <= told {
		fmt.Fprintln(s.out, w)
	}
}

func tallyIn[K comparable](m map[K]*tally, key K) *tally {
	t, ok := m[key]
	if !ok {
		t = &tally{}
		m[key] = t
	}
	return t
}

func (t *tally) add(got answers, took time.Duration, isWrong bool) {
	for bit := range t.answers {
		if got&(1<<bit) != 0 {
			t.answers[bit]++
		}
	}
	if isWrong {
		t.wrong++
	}
	t.times.add(took)
}

// of returns how many of the answers are in a set.
func (t *tally) of(set answers) (n int) {
	for bit, count := range t.answers {
		if set&(1<<bit) != 0 {
			n += count
		}
	}
	return n
}

// join adds the answers of another tally.
func (t *tally) join(more *tally) {
	for bit, n := range more.answers {
		t.answers[bit] += n
	}
	t.wrong += more.wrong
	t.times.join(&more.times)
}

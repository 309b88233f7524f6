package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/soak/internal/instance"
)

// report is what a run found: the content of soak.json.
type report struct {
	Date       string           `json:"date"`
	Seed       uint64           `json:"seed"`
	Seconds    float64          `json:"seconds"`
	Rate       int              `json:"rate"`
	Answers    int              `json:"answers"`
	WrongCount int              `json:"wrongCount"`
	Unsent     int64            `json:"unsent"`
	Wrong      []wrongAnswer    `json:"wrong"`
	Errors     []string         `json:"errors"`
	Kinds      []row            `json:"kinds"`
	Phases     []row            `json:"faults"`
	Cells      []row            `json:"kindsByFault"`
	Windows    []span           `json:"windows"`
	Samples    []sample         `json:"samples"`
	Instances  []string         `json:"instances"`
	Before     []instance.State `json:"before"`
	After      []instance.State `json:"after"`
	Growth     []float64        `json:"growth,omitempty"` // of the live heap in the last 35 %

	seconds []*tally
}

// row is one row of a table.
type row struct {
	Kind     string         `json:"kind,omitempty"`
	Phase    string         `json:"fault,omitempty"`
	Requests int            `json:"requests"`
	Answers  map[string]int `json:"answers"`
	Wrong    int            `json:"wrong"`
	P50      float64        `json:"p50ms"`
	P99      float64        `json:"p99ms"`
	P999     float64        `json:"p999ms"`
}

// span is a fault, in seconds since the beginning.
type span struct {
	Track string  `json:"of"`
	Fault string  `json:"fault"`
	Begin float64 `json:"begin"`
	End   float64 `json:"end"`
	track track
}

// report returns the report of a run that has ended.
func (s *soak) report(began time.Time) *report {
	r := &report{
		Date: began.UTC().Format(time.DateOnly), Seed: s.config.seed, Seconds: min(s.config.duration, time.Since(began)).Seconds(), Rate: s.config.rate,
		Answers: s.results.total, WrongCount: s.results.wrongs, Wrong: s.results.wrong, Unsent: s.unsent.Load(), Errors: []string{},
		Samples: s.samples.list, Before: s.samples.baseline, After: s.samples.final, Growth: s.samples.growth, seconds: s.results.seconds,
	}
	for _, err := range s.errs {
		r.Errors = append(r.Errors, err.Error())
	}
	for i := range s.processes {
		r.Instances = append(r.Instances, trackNames[instances+track(i)])
	}
	for _, w := range s.world.all() {
		r.Windows = append(r.Windows, span{trackNames[w.Track], string(w.Fault), w.Begin.Sub(began).Seconds(), min(w.ended().Sub(began).Seconds(), r.Seconds), w.Track})
	}
	for _, k := range kinds {
		if t, ok := s.results.byKind[string(k.kind)]; ok {
			r.Kinds = append(r.Kinds, t.row(string(k.kind), ""))
		}
	}
	for phase, t := range s.results.byPhase {
		r.Phases = append(r.Phases, t.row("", phase))
	}
	for cell, t := range s.results.cells {
		r.Cells = append(r.Cells, t.row(cell[0], cell[1]))
	}
	order := func(a, b row) int { return strings.Compare(a.Phase+"\n"+a.Kind, b.Phase+"\n"+b.Kind) }
	slices.SortFunc(r.Phases, order)
	slices.SortFunc(r.Cells, order)
	return r
}

func (t *tally) row(kind, phase string) row {
	milliseconds := func(q float64) float64 { return float64(t.times.quantile(q).Microseconds()) / 1000 }
	r := row{Kind: kind, Phase: phase, Requests: t.times.total, Answers: map[string]int{}, Wrong: t.wrong,
		P50: milliseconds(0.5), P99: milliseconds(0.99), P999: milliseconds(0.999)}
	for bit, name := range answerNames {
		if n := t.answers[bit]; n > 0 {
			r.Answers[name] = n
		}
	}
	return r
}

// ok reports whether the run found nothing wrong.
func (r *report) ok() bool { return r.WrongCount == 0 && len(r.Errors) == 0 }

// write writes soak.json and soak.svg.
func (r *report) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "soak.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	var drawing strings.Builder
	r.draw(&drawing)
	return os.WriteFile(filepath.Join(dir, "soak.svg"), []byte(drawing.String()), 0o644)
}

// print prints the summary: first the result, then the tables.
func (r *report) print(w io.Writer) {
	fmt.Fprintln(w)
	if r.ok() {
		fmt.Fprintf(w, "No wrong answer in %d, through %d faults in %.0f s. Nothing is left over. Seed %d.\n", r.Answers, len(r.Windows), r.Seconds, r.Seed)
	} else {
		fmt.Fprintf(w, "WRONG: %d of %d answers, and %d other errors, with %d faults in %.0f s. Seed %d.\n",
			r.WrongCount, r.Answers, len(r.Errors), len(r.Windows), r.Seconds, r.Seed)
	}
	for _, text := range r.Errors {
		fmt.Fprintln(w, "error:", text)
	}
	for _, one := range r.Wrong {
		fmt.Fprintln(w, one)
	}
	if more := r.WrongCount - len(r.Wrong); more > 0 {
		fmt.Fprintf(w, "and %d more wrong answers\n", more)
	}
	if r.Unsent > 0 {
		fmt.Fprintf(w, "%d requests were not sent, because %d were under way\n", r.Unsent, most)
	}
	printRows(w, "kind of request", r.Kinds, func(r row) string { return r.Kind })
	printRows(w, "during", r.Phases, func(r row) string { return r.Phase })
	fmt.Fprintf(w, "\n%-12s %22s %22s %22s\n", "instance", "live heap, MiB", "goroutines", "files")
	r.printInstances(w)
}

func (r *report) printInstances(w io.Writer) {
	for i, name := range r.Instances {
		if len(r.After) <= i { // the run was interrupted
			break
		}
		before, after := r.Before[i], r.After[i]
		fmt.Fprintf(w, "%-12s %10.1f then %6.1f %13d then %3d %13d then %3d\n", name,
			float64(before.Heap)/(1<<20), float64(after.Heap)/(1<<20), before.Goroutines, after.Goroutines, before.Files, after.Files)
	}
	for i, grown := range r.Growth {
		fmt.Fprintf(w, "%s: the live heap changed by %+.2f MiB in the last %.0f s\n", r.Instances[i], grown/(1<<20), r.Seconds*35/100)
	}
}

func printRows(w io.Writer, title string, rows []row, name func(row) string) {
	fmt.Fprintf(w, "\n%-34s %8s %7s %8s %8s %6s %6s %8s %8s %8s\n", title, "requests", "200", "4xx", "503", "none", "wrong", "p50 ms", "p99", "p99.9")
	for _, r := range rows {
		a := r.Answers
		fmt.Fprintf(w, "%-34s %8d %7d %8d %8d %6d %6d %8.1f %8.1f %8.1f\n", name(r), r.Requests, a["200"], a["401"]+a["403"]+a["431"], a["503"],
			a["no answer"], r.Wrong, r.P50, r.P99, r.P999)
	}
}

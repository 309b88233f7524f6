package main

import (
	"fmt"
	"net/http"
	"runtime"
	"sync"
)

// writer is a reusable ResponseWriter that counts the answers.
type writer struct {
	header  http.Header
	status  int
	classes [6]int // by the first digit of the status
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

// takeAnswers resets the counts. It returns an error unless they were n answers of
// one class.
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

// serving returns a run that serves n requests, repeating rs.
func serving(h http.Handler, class int, rs ...*http.Request) func(n int) error {
	w := newWriter()
	return func(n int) error {
		for at := range n {
			w.serve(h, rs[at%len(rs)])
		}
		return w.takeAnswers(n, class)
	}
}

// onAllCores returns a run that divides n operations among one goroutine per
// core. Each goroutine has its own run, which part returns.
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

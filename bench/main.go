// Bench compares bearerkit with the other Go libraries that protect an API,
// side by side on this machine: see README.md.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"
)

var errOver = errors.New("a budget is over")

type options struct {
	short, strict, counted bool
	out, svg               string
	tokens, rounds         int
}

func main() {
	var o options
	flag.BoolVar(&o.short, "short", false, "measure the budgets alone, in less than three minutes")
	flag.BoolVar(&o.strict, "strict", false, "with -short: exit with 1 if a budget is over")
	flag.BoolVar(&o.counted, "counted", false, "count what happens in outages and attacks, in place of measuring time")
	flag.StringVar(&o.out, "out", "", "write the tables to this `file`, not to standard output")
	flag.StringVar(&o.svg, "svg", "", "draw the comparison into this `file`")
	flag.IntVar(&o.tokens, "tokens", 0, "distinct tokens of each algorithm (default 20,000; 4,000 with -short)")
	flag.IntVar(&o.rounds, "rounds", 0, "rounds of each case (default 200; 120 with -short)")
	flag.Parse()
	if err := run(o, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(o options, progress io.Writer) (err error) {
	out := os.Stdout
	if o.out != "" {
		if out, err = os.Create(o.out); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, out.Close()) }()
	}
	if o.counted {
		countAll(out, os.Stderr)
	}
	i, err := newIssuer(false, algorithms...)
	if err != nil {
		return err
	}
	defer i.stop()
	start := time.Now()
	h := &harness{
		rounds: 200, slice: 2 * time.Millisecond, batch: 100, kept: 10_000, progress: progress,
		rng: rand.New(rand.NewPCG(uint64(start.UnixNano()), 1)),
	}
	tokens := 20_000
	if o.short {
		h.rounds, tokens = 120, 4_000
	}
	if o.rounds > 0 {
		h.rounds = o.rounds
	}
	if o.tokens > 0 {
		tokens = max(o.tokens, 2*h.batch)
	}
	if o.short {
		list, err := measureBudgets(h, i, tokens)
		if err != nil {
			return err
		}
		if !writeBudgets(out, list, time.Since(start)) && o.strict {
			return errOver
		}
		return nil
	}
	c, err := compare(h, i, tokens)
	if err != nil {
		return err
	}
	c.write(out)
	if o.svg == "" {
		return nil
	}
	picture, err := os.Create(o.svg)
	if err != nil {
		return err
	}
	c.draw(picture)
	return picture.Close()
}

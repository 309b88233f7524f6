// Bench compares bearerkit with other Go libraries that protect an API, side by
// side on this machine; see README.md.
package main

import (
	"bytes"
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
	short, strict, counted, field bool
	out, svg                      string
	tokens, rounds                int
}

func main() {
	var o options
	flag.BoolVar(&o.short, "short", false, "measure the budgets alone, in less than three minutes")
	flag.BoolVar(&o.strict, "strict", false, "with -short: exit with 1 if a budget is over")
	flag.BoolVar(&o.counted, "counted", false, "count what happens in outages and attacks, in place of measuring time")
	flag.BoolVar(&o.field, "field", false, "run the conformance corpus on every contender, in place of measuring time")
	flag.StringVar(&o.out, "out", "", "write the tables into this `file`, between its lines <!-- bench … --> and <!-- end … --> if it has them")
	flag.StringVar(&o.svg, "svg", "", "draw the comparison into this `file`")
	flag.IntVar(&o.tokens, "tokens", 0, "distinct tokens of each algorithm (default 20,000; 4,000 with -short)")
	flag.IntVar(&o.rounds, "rounds", 0, "rounds of each case (default 200; 30 in each of eight passes with -short)")
	flag.Parse()
	if err := run(o, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(o options, progress io.Writer) error {
	if o.field {
		return runField(output{o.out, "field"}, progress)
	}
	if o.counted {
		countAll(output{o.out, "counted"}, os.Stderr)
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
		h.rounds, tokens = 240/passes, 4_000
	}
	if o.rounds > 0 {
		h.rounds = o.rounds
	}
	if o.tokens > 0 {
		tokens = max(o.tokens, 2*h.batch)
	}
	var text bytes.Buffer
	if o.short {
		list, err := measureBudgets(h, i, tokens)
		if err != nil {
			return err
		}
		hold := writeBudgets(&text, list, time.Since(start))
		if err := (output{o.out, "budgets"}).write(text.Bytes()); err != nil {
			return err
		}
		if !hold && o.strict {
			return errOver
		}
		return nil
	}
	c, err := compare(h, i, tokens)
	if err != nil {
		return err
	}
	c.write(&text)
	if err := (output{o.out, "comparison"}).write(text.Bytes()); err != nil {
		return err
	}
	if o.svg == "" {
		return nil
	}
	text.Reset()
	c.draw(&text)
	return os.WriteFile(o.svg, text.Bytes(), 0o644)
}

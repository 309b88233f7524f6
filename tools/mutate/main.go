// Command mutate changes each check of a package, one at a time, and reports the
// changes that no test notices:
//
//	GOWORK=off go -C tools run ./mutate -known mutate/known.txt ./internal/jose
//
// docs/mutation.md describes the changes, and lists those that may stay unnoticed.
// The command fails if another change stays unnoticed. It edits no file of the
// package: the go command compiles a copy, in which an environment variable
// chooses the change.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// options are the flags.
type options struct {
	module    string
	slowest   time.Duration
	importers string // a pattern of packages
	long      bool
	verbose   bool
	seed      uint64
	sample    int
	budget    time.Duration
	cacheFile string
	knownFile string
	outFile   string
}

func main() {
	var o options
	flag.StringVar(&o.module, "module", "..", "the folder of the module")
	flag.DurationVar(&o.slowest, "slowest", 10*time.Second, "leave out tests that cost more than this time of the processor")
	flag.StringVar(&o.importers, "importers", "./...", "run also the tests of these packages, if they import the package, against mutants that survive its own")
	flag.BoolVar(&o.long, "long", false, "run the tests without -short")
	flag.BoolVar(&o.verbose, "v", false, "report each mutant")
	flag.Uint64Var(&o.seed, "seed", 0, "judge the mutants in a random order that depends on this number")
	flag.IntVar(&o.sample, "sample", 0, "judge at most this many mutants of each package; choose them by -seed")
	flag.DurationVar(&o.budget, "budget", 0, "judge no more mutants after this time; zero is no limit")
	flag.StringVar(&o.cacheFile, "cache", "../bin/mutants.json", "the file with the results of earlier runs")
	flag.StringVar(&o.knownFile, "known", "", "the file that lists mutants that may survive")
	flag.StringVar(&o.outFile, "out", "", "update the table in this Markdown file")
	flag.Parse()
	survivors, err := run(o, flag.Args(), os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(2)
	}
	if survivors > 0 {
		os.Exit(1)
	}
}

// run judges the mutants of the packages, writes a report, and returns the number
// of survivors.
func run(o options, patterns []string, out io.Writer) (survivors int, err error) {
	if len(patterns) == 0 {
		return 0, fmt.Errorf("name the packages, such as ./internal/jose")
	}
	if o.module, err = filepath.Abs(o.module); err != nil {
		return 0, err
	}
	cached, err := openCache(o.cacheFile)
	if err != nil {
		return 0, fmt.Errorf("the cache: %w", err)
	}
	known, err := readKnown(o.knownFile)
	if err != nil {
		return 0, err
	}
	limitMemory()
	r := &report{known: known}
	var deadline time.Time
	if o.budget > 0 {
		deadline = time.Now().Add(o.budget)
	}
	for _, pattern := range patterns {
		h := &hunt{options: o, out: out, cache: cached, known: known, deadline: deadline}
		verdicts, err := h.judge(pattern)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", pattern, err)
		}
		r.add(h.source.ImportPath, verdicts)
	}
	r.write(out)
	if o.outFile != "" {
		err = r.update(o.outFile)
	}
	return r.survivors(), err
}

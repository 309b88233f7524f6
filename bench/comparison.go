package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"golang.org/x/perf/benchmath"
)

// comparison is the result of the full run. Cases are named as in [field].
type comparison struct {
	first, same       map[string]result // by algorithm
	parallelFirst     map[string]result
	parallelSame      map[string]result
	refused           map[string]result // by kind, RS256
	adapters          result
	introspectionHit  result
	introspectionMiss result
	rounds, tokens    int
	sizes             []int // of the tokens, by algorithm
}

// parallelAlgorithms are the algorithms of the parallel case: a fast one and a slow
// one.
var parallelAlgorithms = []string{"RS256", "ES256"}

func compare(h *harness, i *issuer, tokens int) (*comparison, error) {
	c := &comparison{
		first: map[string]result{}, same: map[string]result{}, refused: map[string]result{},
		parallelFirst: map[string]result{}, parallelSame: map[string]result{},
		rounds: h.rounds, tokens: tokens,
	}
	for _, algorithm := range algorithms {
		f, err := newField(h, i, algorithm, tokens)
		if err != nil {
			return nil, err
		}
		c.sizes = append(c.sizes, len(f.tokens[0]))
		if c.first[algorithm], err = f.distinct(contenders, false); err != nil {
			return nil, err
		}
		if c.same[algorithm], err = f.same(contenders); err != nil {
			return nil, err
		}
		if slices.Contains(parallelAlgorithms, algorithm) {
			if c.parallelFirst[algorithm], err = f.distinct(contenders, true); err != nil {
				return nil, err
			}
			if c.parallelSame[algorithm], err = f.sameParallel(contenders); err != nil {
				return nil, err
			}
		}
		if algorithm != "RS256" {
			continue
		}
		for _, kind := range refusals {
			if c.refused[kind], err = f.refusal(kind, contenders); err != nil {
				return nil, err
			}
		}
	}
	var err error
	if c.adapters, err = adapters(h); err != nil {
		return nil, err
	}
	if c.introspectionHit, err = introspection(h, i, introspectors, true); err != nil {
		return nil, err
	}
	c.introspectionMiss, err = introspection(h, i, introspectors, false)
	return c, err
}

func (c *comparison) write(w io.Writer) {
	fmt.Fprintf(w, "%s on %s/%s, GOMAXPROCS %d; %d rounds. Each round measured every contender, in random order; only the quietest quarter of the rounds counts. "+
		"A cell is the median of the rounds' ratios to bare crypto, the signature check alone, with its 95 %% confidence interval (computed as by benchstat: golang.org/x/perf/benchmath). "+
		"The garbage collector runs between the rounds, so only B/op and allocs/op, measured with RS256, show its cost. "+
		"Tokens follow RFC 9068, with 15 claims, 8 scopes and %d (RS256, PS256) or %d bytes.\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), c.rounds, c.sizes[0], c.sizes[2])

	fmt.Fprintf(w, "\n**A first-seen token**, of %s distinct ones\n\n", thousands(c.tokens))
	writeAlgorithms(w, algorithms, c.first)
	fmt.Fprint(w, "\n**The same token again**\n\n")
	writeAlgorithms(w, algorithms, c.same)
	fmt.Fprint(w, "\n**On all cores**: wall time for a request, relative to bare crypto on all cores\n\n")
	writeParallel(w, c)
	fmt.Fprint(w, "\n**Refusals**, RS256, including the answer: time relative to bare crypto, and allocs/op\n\n")
	writeRefusals(w, c.refused)
	fmt.Fprint(w, "\n**Adapters**: a route without a guard, and with one whose verifier takes no time\n\n")
	writeAdapters(w, c.adapters)
	fmt.Fprint(w, "\n**Introspection** over loopback: time relative to a hand-written client with net/http\n\n")
	writeIntrospection(w, c)
	fmt.Fprint(w, "\nVersions: ")
	writeVersions(w)
}

// cell formats a median and its 95 % confidence interval like benchstat.
func cell(s benchmath.Summary) string {
	reach := 100 * max(s.Hi/s.Center-1, 1-s.Lo/s.Center)
	if reach < 0.95 {
		return fmt.Sprintf("%s ±%.1f %%", ratioNumber(s.Center), reach)
	}
	return fmt.Sprintf("%s ±%.0f %%", ratioNumber(s.Center), reach)
}

// cellOf returns the time of the reference, or the ratio of another series to it.
func cellOf(s series, r result, reference string) string {
	if s.name == reference {
		return fmt.Sprintf("%.1f µs", summary(r.of(s.name).ns).Center/1000)
	}
	return cell(ratio(r.of(s.name), r.of(reference)))
}

func ratioNumber(v float64) string {
	if v >= 0.1 {
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.4f", v)
}

func row(w io.Writer, cells ...string) { fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | ")) }

func heading(w io.Writer, cells ...string) {
	row(w, append([]string{""}, cells...)...)
	fmt.Fprintf(w, "| ---%s |\n", strings.Repeat(" | ---:", len(cells)))
}

func writeAlgorithms(w io.Writer, order []string, results map[string]result) {
	heading(w, append(slices.Clone(order), "B/op", "allocs/op")...)
	for _, s := range results[order[0]].series {
		cells := []string{s.name}
		for _, algorithm := range order {
			cells = append(cells, cellOf(s, results[algorithm], bareCrypto))
		}
		row(w, append(cells, fmt.Sprintf("%.0f", s.bytes), fmt.Sprintf("%.0f", s.allocs))...)
	}
}

func writeParallel(w io.Writer, c *comparison) {
	var titles []string
	var results []result
	for _, algorithm := range parallelAlgorithms {
		titles = append(titles, "first seen, "+algorithm, "same, "+algorithm)
		results = append(results, c.parallelFirst[algorithm], c.parallelSame[algorithm])
	}
	heading(w, titles...)
	for _, s := range results[0].series {
		cells := []string{s.name}
		for _, r := range results {
			cells = append(cells, cellOf(s, r, bareCrypto))
		}
		row(w, cells...)
	}
}

func writeRefusals(w io.Writer, refused map[string]result) {
	heading(w, refusals...)
	for _, s := range refused[refusals[0]].series[1:] {
		cells := []string{s.name}
		for _, kind := range refusals {
			own := refused[kind].of(s.name)
			cells = append(cells, fmt.Sprintf("%s, %.0f", cell(ratio(own, refused[kind].of(bareCrypto))), own.allocs))
		}
		row(w, cells...)
	}
}

func writeAdapters(w io.Writer, r result) {
	heading(w, "bare", "guarded", "the guard adds", "more than on net/http", "allocs/op, bare", "guarded")
	plainGuarded, plain := added(r, frameworks[0])
	for _, framework := range frameworks {
		guarded, bare := added(r, framework)
		nanoseconds := func(s benchmath.Summary) string { return fmt.Sprintf("%.0f ns", s.Center) }
		row(w, framework, nanoseconds(summary(bare.ns)), nanoseconds(summary(guarded.ns)),
			nanoseconds(combine(func(ns ...float64) float64 { return ns[0] - ns[1] }, guarded, bare)),
			nanoseconds(combine(func(ns ...float64) float64 { return ns[0] - ns[1] - (ns[2] - ns[3]) }, guarded, bare, plainGuarded, plain)),
			fmt.Sprintf("%.0f", bare.allocs), fmt.Sprintf("%.0f", guarded.allocs))
	}
}

func writeIntrospection(w io.Writer, c *comparison) {
	heading(w, "the same token", "a new token", "allocs/op, same", "new")
	for _, s := range c.introspectionHit.series {
		cells := []string{s.name}
		for _, r := range []result{c.introspectionHit, c.introspectionMiss} {
			cells = append(cells, cellOf(s, r, naiveHTTP))
		}
		row(w, append(cells, fmt.Sprintf("%.0f", s.allocs), fmt.Sprintf("%.0f", c.introspectionMiss.of(s.name).allocs))...)
	}
}

// writeVersions prints the versions of the compared modules.
func writeVersions(w io.Writer) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return
	}
	var versions []string
	for _, c := range contenders[1:] {
		for _, module := range c.modules {
			for _, dependency := range info.Deps {
				if dependency.Path == module {
					versions = append(versions, fmt.Sprintf("`%s` %s", module, dependency.Version))
				}
			}
		}
	}
	fmt.Fprintf(w, "%s.\n", strings.Join(slices.Compact(versions), ", "))
}

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"time"
)

// fate is what became of a mutant.
type fate string

const (
	killed     fate = "killed"
	equivalent fate = "equivalent" // listed, and it survived
	survived   fate = "survived"
	waiting    fate = "not judged" // the budget was used up
)

// verdict is the fate of a mutant, and the test that killed it.
type verdict struct {
	*mutant
	fate    fate
	by      string
	reached bool // by a test of the package itself
}

// hunt judges the mutants of one package.
type hunt struct {
	options
	source   *source
	variants *variants
	out      io.Writer
	cache    *cache
	known    *knownList
	deadline time.Time

	folder    string
	overlay   string
	own       *binary
	others    []*binary // of the packages that import it; built when a mutant survives
	built     bool
	killers   map[string][]string // the last killers, by function
	skipped   int                 // mutants that do not compile
	survivors string              // the cache's key of what survivors depend on
}

// judge judges the mutants of a package.
func (h *hunt) judge(pattern string) ([]verdict, error) {
	if err := h.prepare(pattern); err != nil {
		return nil, err
	}
	defer os.RemoveAll(h.folder)
	order := slices.Clone(h.variants.mutants)
	if h.seed != 0 {
		random := rand.New(rand.NewPCG(h.seed, 0))
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	if h.sample > 0 && h.sample < len(order) {
		order = order[:h.sample]
	}
	var verdicts []verdict
	for _, m := range order {
		result := h.one(m)
		verdicts = append(verdicts, result)
		if err := h.cache.save(); err != nil {
			return nil, err
		}
		if h.verbose {
			fmt.Fprintln(h.out, describe(h.source.ImportPath, result))
		}
	}
	return verdicts, nil
}

// prepare compiles the package with all its mutants, and examines its tests.
func (h *hunt) prepare(pattern string) (err error) {
	if h.source, err = load(h.module, pattern); err != nil {
		return err
	}
	h.variants, h.killers = find(h.source), map[string][]string{}
	if h.folder, err = os.MkdirTemp("", "mutate"); err != nil {
		return err
	}
	for {
		if h.overlay, err = h.variants.instrument(h.folder); err != nil {
			return err
		}
		h.own, err = compile(h.module, h.source.listed, h.overlay, h.folder)
		var wrong *compileError
		if !errors.As(err, &wrong) {
			break
		}
		dropped := h.variants.drop(wrong.lines)
		if dropped == 0 {
			return err
		}
		h.skipped += dropped
		if h.verbose {
			fmt.Fprintln(h.out, wrong)
		}
	}
	if err != nil {
		return err
	}
	if h.survivors, err = h.dependencies(); err != nil {
		return err
	}
	fmt.Fprintf(h.out, "%s: %d mutants, %d left out because they do not compile\n", h.source.ImportPath, len(h.variants.mutants), h.skipped)
	if !slices.ContainsFunc(h.variants.mutants, h.unjudged) {
		return nil
	}
	return h.examine(h.own)
}

// examine examines the tests of a binary, and tells which it leaves out.
func (h *hunt) examine(b *binary) error {
	b.long = h.long
	leftOut, err := b.examine(h.folder, h.slowest)
	for _, reason := range leftOut {
		fmt.Fprintf(h.out, "%s: left out: %s\n", b.of.ImportPath, reason)
	}
	return err
}

func (h *hunt) unjudged(m *mutant) bool {
	_, _, found := h.cache.find(h.source, m, h.survivors)
	return !found
}

// one judges one mutant.
func (h *hunt) one(m *mutant) verdict {
	result := verdict{mutant: m, reached: true}
	if by, reached, found := h.cache.find(h.source, m, h.survivors); found {
		result.by, result.reached = by, reached
	} else {
		if !h.deadline.IsZero() && time.Now().After(h.deadline) {
			result.fate = waiting
			return result
		}
		result.by, result.reached = h.kill(m)
		h.cache.add(h.source, m, h.survivors, result.by, result.reached)
	}
	switch {
	case result.by != "":
		result.fate = killed
	case h.known.has(h.source.ImportPath, m):
		result.fate = equivalent
	default:
		result.fate = survived
	}
	return result
}

// kill runs tests until one fails, and returns its name.
func (h *hunt) kill(m *mutant) (by string, reached bool) {
	own := h.own.reaching(m.id, h.killers[m.function])
	if by := h.attack(h.own, own, m); by != "" {
		h.killers[m.function] = append([]string{by}, slices.DeleteFunc(h.killers[m.function], func(name string) bool { return name == by })...)
		return by, true
	}
	if h.importers == "" {
		return "", len(own) > 0
	}
	if err := h.buildOthers(); err != nil {
		fmt.Fprintln(h.out, err)
	}
	for _, b := range h.others {
		if by := h.attack(b, b.reaching(m.id, h.killers[b.of.ImportPath]), m); by != "" {
			h.killers[b.of.ImportPath] = []string{by}
			return b.of.ImportPath + "." + by, len(own) > 0
		}
	}
	return "", len(own) > 0
}

// attack runs tests until one fails: the most promising first, then the rest.
func (h *hunt) attack(b *binary, tests []*test, m *mutant) (by string) {
	for limit := 300 * time.Millisecond; len(tests) > 0; limit = time.Hour {
		var names []string
		var cost, expected time.Duration
		for len(tests) > 0 && (len(names) == 0 || cost+tests[0].cost < limit) {
			names, cost, expected = append(names, tests[0].name), cost+tests[0].cost, expected+tests[0].took
			tests = tests[1:]
		}
		result := b.run(names, 10*time.Second+5*expected, fmt.Sprintf("MUTANT=%d", m.id))
		if result.failed {
			return cmp.Or(result.by, names[0]) // a program may end without a report
		}
	}
	return ""
}

// buildOthers compiles the tests of the packages that import this one.
func (h *hunt) buildOthers() error {
	if h.built {
		return nil
	}
	h.built = true
	packages, err := importers(h.module, h.importers, h.source)
	if err != nil {
		return err
	}
	for _, p := range packages {
		b, err := compile(h.module, p, h.overlay, h.folder)
		if err != nil {
			return err
		}
		if err := h.examine(b); err != nil {
			return err
		}
		h.others = append(h.others, b)
	}
	return nil
}

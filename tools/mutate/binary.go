package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// binary is the test binary of a package, in which the mutants of one package,
// its own or one that it imports, can be chosen.
type binary struct {
	of    listed
	file  string
	tests []*test
	long  bool // without -short
}

// test is one test function of a binary.
type test struct {
	name    string
	took    time.Duration
	cost    time.Duration // mostly the time of the processor, which waiting does not use
	reaches map[int]bool  // ids of mutants
}

// compileError lists the lines that do not compile.
type compileError struct {
	lines map[string][]int // by file
	text  string
}

func (e *compileError) Error() string { return "the mutants do not compile:\n" + e.text }

// compile builds the test binary of a package with an overlay.
func compile(module string, of listed, overlay, folder string) (*binary, error) {
	file := filepath.Join(folder, strings.ReplaceAll(of.ImportPath, "/", "-")+".test")
	cmd := exec.Command("go", "test", "-c", "-vet=off", "-overlay", overlay, "-gcflags=-e", "-o", file, of.ImportPath)
	cmd.Dir, cmd.Env = module, environment()
	out, err := cmd.CombinedOutput()
	if err == nil {
		return &binary{of: of, file: file}, nil
	}
	wrong := &compileError{lines: map[string][]int{}, text: string(out)}
	for _, at := range regexp.MustCompile(`(?m)^\S*?([^/\s:]+\.go):(\d+):`).FindAllStringSubmatch(string(out), -1) {
		line, _ := strconv.Atoi(at[2])
		wrong.lines[at[1]] = append(wrong.lines[at[1]], line)
	}
	return nil, wrong
}

// outcome is how a run of tests ended.
type outcome struct {
	failed bool
	by     string // the test that failed, or "timeout"
	took   time.Duration
	cost   time.Duration
}

var failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\w+)`)

// run executes tests of the binary, until the first fails.
func (b *binary) run(names []string, timeout time.Duration, env ...string) outcome {
	ctx, cancel := context.WithTimeout(context.Background(), timeout+5*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, b.file, "-test.run", "^("+strings.Join(names, "|")+")$",
		"-test.short="+strconv.FormatBool(!b.long), "-test.failfast", "-test.timeout", timeout.String())
	cmd.Dir, cmd.Env = b.of.Dir, append(environment(), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	began := time.Now()
	err := cmd.Run()
	result := outcome{failed: err != nil, took: time.Since(began)}
	result.cost = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime() + result.took/8
	if err == nil {
		return result
	}
	if found := failedTest.FindSubmatch(out.Bytes()); found != nil {
		result.by = string(found[1])
	}
	if ctx.Err() != nil || bytes.Contains(out.Bytes(), []byte("panic: test timed out after")) {
		result.by = "timeout"
	}
	return result
}

// examine runs each test of the binary once, without a mutant, and notes which
// mutants it reaches. It leaves out tests that fail or that take too long, and
// returns their names with the reason.
func (b *binary) examine(folder string, slowest time.Duration) (leftOut []string, err error) {
	cmd := exec.Command(b.file, "-test.list", "^(Test|Example|Fuzz)")
	cmd.Dir = b.of.Dir
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list the tests of %s: %w", b.of.ImportPath, err)
	}
	for name := range strings.FieldsSeq(string(out)) {
		log := filepath.Join(folder, "reached")
		if err := os.Remove(log); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		result := b.run([]string{name}, 10*time.Second+10*slowest, "MUTANT_LOG="+log)
		switch {
		case result.by == "timeout" || result.cost > slowest:
			leftOut = append(leftOut, fmt.Sprintf("%s costs %v", name, result.cost.Round(100*time.Millisecond)))
			continue
		case result.failed:
			leftOut = append(leftOut, name+" fails in the instrumented package")
			continue
		}
		t := &test{name: name, took: result.took, cost: result.cost, reaches: map[int]bool{}}
		reached, _ := os.ReadFile(log) // without mutants, no file exists
		for id := range strings.FieldsSeq(string(reached)) {
			n, _ := strconv.Atoi(id)
			t.reaches[n] = true
		}
		b.tests = append(b.tests, t)
	}
	return leftOut, nil
}

// reaching returns the tests that reach a mutant: first those that have killed
// its neighbours, and then the cheapest.
func (b *binary) reaching(id int, killers []string) []*test {
	var found []*test
	for _, t := range b.tests {
		if t.reaches[id] {
			found = append(found, t)
		}
	}
	rank := func(t *test) int {
		if i := slices.Index(killers, t.name); i >= 0 {
			return i - len(killers)
		}
		return 0
	}
	slices.SortStableFunc(found, func(a, b *test) int {
		if r := rank(a) - rank(b); r != 0 {
			return r
		}
		return int(a.cost - b.cost)
	})
	return found
}

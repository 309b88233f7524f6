package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// judgeTiny judges the mutants of the small module.
func judgeTiny(t *testing.T, o options) (verdicts []verdict, k *knownList) {
	t.Helper()
	o.slowest = 20 * time.Second
	c, err := openCache(o.cacheFile)
	if err != nil {
		t.Fatal(err)
	}
	if k, err = readKnown(o.knownFile); err != nil {
		t.Fatal(err)
	}
	h := &hunt{options: o, out: io.Discard, cache: c, known: k}
	if o.budget > 0 {
		h.deadline = time.Now().Add(-o.budget)
	}
	if verdicts, err = h.judge("./limit"); err != nil {
		t.Fatal(err)
	}
	return verdicts, k
}

// keys returns the mutants with a fate.
func keys(verdicts []verdict, f fate) (found []string) {
	for _, v := range verdicts {
		if v.fate == f {
			found = append(found, v.key())
		}
	}
	slices.Sort(found)
	return found
}

// tinyModule copies the small module, so that a test can change it.
func tinyModule(t *testing.T) options {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/tiny")); err != nil {
		t.Fatal(err)
	}
	return options{module: dir, cacheFile: filepath.Join(dir, "cache.json"), knownFile: filepath.Join(dir, "known.txt")}
}

// The tool finds exactly those changes that the tests of the small module forget,
// counts a listed one apart, and notices a listed one that does not exist.
func TestSurvivors(t *testing.T) {
	o := tinyModule(t)
	o.importers = "./..."
	verdicts, known := judgeTiny(t, o)
	want := []string{
		"Both: return signed && fresh => return true && fresh",
		"Kind: case 3 => case _",
		"Loose: size > Most => size > Most + 1",
		"Loose: size > Most => size >= Most",
		"Unused: return !ok => return false",
	}
	if got := keys(verdicts, survived); !slices.Equal(got, want) {
		t.Errorf("survived:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := keys(verdicts, equivalent); !slices.Equal(got, []string{"Unused: return !ok => return true"}) {
		t.Errorf("equivalent: %s", got)
	}
	if got := known.stale("example.com/owner/tiny/limit"); !slices.Equal(got, []string{"limit Check: size > Most => size > 99"}) {
		t.Errorf("listed, but gone: %s", got)
	}
	dead := keys(verdicts, killed)
	for _, m := range []string{
		"Check: size > Most => true", "Check: size > Most => false", "Check: size > Most => size >= Most", "Check: size > Most => size > Most + 1",
		"Check: return ErrLarge => return nil", "Both: return signed && fresh => return signed && true", "Kind: case 1 => case _",
		"Type: switch value.(type) => switch value (no case string).(type)", "Checker.Name: c.add(fmt.Errorf(\"no name\")) => _",
		"Cut: min(n, Most) => n", "Cut: min(n, Most) => Most", "Repeat: n > 0 => n >= 0",
		"Lines: count(n, maxLines) => count(n, maxLines + 1)", "Lines: count(n, maxLines) => count(n, maxLines - 1)",
	} {
		if !slices.Contains(dead, m) {
			t.Errorf("not killed: %s", m)
		}
	}
	for _, v := range verdicts {
		if v.function == "Cut" && (v.reached || v.by != "example.com/owner/tiny/user.TestSize") {
			t.Errorf("%s: reached %t, killed by %q; only a test of another package reaches it", v.key(), v.reached, v.by)
		}
	}
}

// A second run repeats nothing, and after a new test only what this may kill.
func TestCache(t *testing.T) {
	o := tinyModule(t)
	first, _ := judgeTiny(t, o)
	o.budget = time.Second // of which nothing is left
	second, _ := judgeTiny(t, o)
	for _, f := range []fate{killed, equivalent, survived} {
		if !slices.Equal(keys(first, f), keys(second, f)) {
			t.Errorf("%s: %d at first and %d from the cache", f, len(keys(first, f)), len(keys(second, f)))
		}
	}

	added := "package limit_test\n\nimport (\"testing\"; \"example.com/owner/tiny/limit\")\n\n" +
		"func TestThree(t *testing.T) {\n\tif limit.Kind(3) != \"three\" { t.Error(\"Kind is wrong\") }\n}\n"
	if err := os.WriteFile(filepath.Join(o.module, "limit", "three_test.go"), []byte(added), 0o600); err != nil {
		t.Fatal(err)
	}
	third, _ := judgeTiny(t, o)
	again := append(keys(first, survived), keys(first, equivalent)...)
	slices.Sort(again)
	if got := keys(third, waiting); !slices.ContainsFunc(got, func(m string) bool { return m == "Kind: case 3 => case _" }) || len(got) < len(again) {
		t.Errorf("to judge again: %q, want at least %q", got, again)
	}
	if n := len(keys(third, killed)); n < len(keys(first, killed))/2 {
		t.Errorf("only %d killed mutants are in the cache", n)
	}
	o.budget = 0
	fourth, _ := judgeTiny(t, o)
	if got := keys(fourth, killed); !slices.Contains(got, "Kind: case 3 => case _") {
		t.Error("the new test kills nothing")
	}
}

// The list of known mutants names each of them once, with a reason.
func TestKnownList(t *testing.T) {
	for name, text := range map[string]string{
		"no reason": "limit Check: a => b\n",
		"twice":     "## reason\nlimit Check: a => b\nlimit Check: a => b\n",
		"no change": "## reason\nlimit Check\n",
	} {
		file := filepath.Join(t.TempDir(), "known.txt")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readKnown(file); err == nil {
			t.Errorf("%s: the list was accepted", name)
		}
	}
}

// docs/mutation.md has the list of known mutants, with the reasons.
func TestDocumentation(t *testing.T) {
	known, err := readKnown("known.txt")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/mutation.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, found := strings.Cut(string(page), knownMark)
	if !found || list != known.markdown() {
		t.Error("docs/mutation.md does not have the list of known.txt; run the command with -known mutate/known.txt -out ../docs/mutation.md")
	}
}

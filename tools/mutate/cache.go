package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// cache keeps verdicts between runs, by content:
//
//   - A killed mutant stays killed while its function and the test that killed it
//     do not change.
//   - A survivor stays alive while no file of its package, of its tests and of
//     the packages that import it changes.
type cache struct {
	file    string
	entries map[string]entry
	tests   map[string]string // the hash of a test
}

// entry is a verdict. By is empty for a survivor.
type entry struct {
	By      string `json:"by,omitempty"`
	Reached bool   `json:"reached,omitempty"`
	Depends string `json:"depends"` // the hash of what the verdict depends on
}

// openCache reads the cache; a file that does not exist is an empty one.
func openCache(file string) (*cache, error) {
	c := &cache{file: file, entries: map[string]entry{}, tests: map[string]string{}}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	return c, json.Unmarshal(text, &c.entries)
}

func (c *cache) save() error {
	text, err := json.MarshalIndent(c.entries, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(c.file), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(c.file+".new", text, 0o644); err != nil {
		return err
	}
	return os.Rename(c.file+".new", c.file)
}

// find returns the verdict of an earlier run.
func (c *cache) find(s *source, m *mutant, survivors string) (by string, reached, found bool) {
	e, found := c.entries[name(s, m)]
	if !found || e.Depends != c.depends(s, e.By, survivors) {
		return "", false, false
	}
	return e.By, e.Reached, true
}

func (c *cache) add(s *source, m *mutant, survivors, by string, reached bool) {
	c.entries[name(s, m)] = entry{By: by, Reached: reached, Depends: c.depends(s, by, survivors)}
}

// name is the name of a mutant in the cache: it changes with the function.
func name(s *source, m *mutant) string {
	return s.ImportPath + " " + m.key() + " " + hash(m.declaration)
}

// depends returns the hash of what a verdict depends on besides the function.
func (c *cache) depends(s *source, by, survivors string) string {
	if by == "" || by == "timeout" || strings.Contains(by, ".") {
		return survivors
	}
	if c.tests[s.ImportPath+"."+by] == "" {
		c.tests[s.ImportPath+"."+by] = testText(s.listed, by)
	}
	return c.tests[s.ImportPath+"."+by]
}

// testText returns the hash of a test's source.
func testText(p listed, test string) string {
	function := regexp.MustCompile(`(?ms)^func ` + regexp.QuoteMeta(test) + `\(.*?^\}$`)
	for _, file := range slices.Concat(p.TestGoFiles, p.XTestGoFiles) {
		text, err := os.ReadFile(filepath.Join(p.Dir, file))
		if found := function.Find(text); err == nil && found != nil {
			return hash(string(found))
		}
	}
	return "none"
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:10])
}

// dependencies returns the hash of the package and of the packages whose tests
// may kill its mutants.
func (h *hunt) dependencies() (string, error) {
	packages := []listed{h.source.listed}
	if h.importers != "" {
		others, err := importers(h.module, h.importers, h.source)
		if err != nil {
			return "", err
		}
		packages = append(packages, others...)
	}
	all := sha256.New()
	fmt.Fprintln(all, h.slowest, h.long)
	for _, p := range packages {
		for _, file := range slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles) {
			text, err := os.ReadFile(filepath.Join(p.Dir, file))
			if err != nil {
				return "", err
			}
			all.Write([]byte(p.ImportPath + "/" + file + "\x00" + hash(string(text)) + "\n"))
		}
	}
	return hex.EncodeToString(all.Sum(nil)[:10]), nil
}

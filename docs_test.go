package bearerkit_test

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test named in docs/conformance.md exists. Every ID is listed there
// exactly once.
func TestConformance(t *testing.T) {
	page, err := os.ReadFile("docs/conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	namedTestsExist(t, "docs/conformance.md")

	rows := map[string]string{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([A-Z]+-?\d+[a-z]?) \| .* \| (.*) \|$`).FindAllSubmatch(page, -1) {
		id := string(row[1])
		if _, twice := rows[id]; twice {
			t.Errorf("%s is listed in docs/conformance.md twice", id)
		}
		rows[id] = string(row[2])
	}
	for _, group := range []struct {
		prefix string
		last   int
	}{{"B", 16}, {"H", 13}, {"K", 11}, {"J", 12}, {"A", 12}, {"S", 5}, {"T", 7}, {"O", 4}, {"C", 21}, {"I", 12}, {"D", 29}, {"M", 5}, {"P", 8}, {"BCL", 9}, {"SE", 6}, {"MCP", 11}, {"F", 10}, {"V", 18}, {"G", 12}, {"L", 19}} {
		for n := 1; n <= group.last; n++ {
			id := fmt.Sprint(group.prefix, n)
			if strings.TrimSpace(rows[id]) == "" {
				t.Errorf("%s is missing from docs/conformance.md", id)
			}
		}
	}
}

// namedTestsExist checks the tests that a page names, such as `bearer.TestAnswers`.
func namedTestsExist(t *testing.T, page string) {
	t.Helper()
	sources := map[string][]byte{}
	for _, named := range regexp.MustCompile("`([a-z0-9/-]+)\\.((?:Test|Fuzz|Example)\\w*)`").FindAllStringSubmatch(read(t, page), -1) {
		dir, name := named[1], named[2]
		if dir == "bearerkit" { // the root
			dir = "."
		}
		if sources[dir] == nil {
			files, err := filepath.Glob(path.Join(dir, "*_test.go"))
			if err != nil || len(files) == 0 {
				t.Errorf("%s: no tests (%v)", dir, err)
			}
			for _, file := range files {
				source, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				sources[dir] = append(sources[dir], source...)
			}
		}
		if !bytes.Contains(sources[dir], []byte("\nfunc "+name+"(")) {
			t.Errorf("%s names %s.%s, which does not exist", page, dir, name)
		}
	}
}

// Each row of the threat model names what stops the attacker, and a test.
func TestThreatModel(t *testing.T) {
	const page = "docs/security.md"
	namedTestsExist(t, page)
	_, table, _ := strings.Cut(read(t, page), "\n| asset | attacker |")
	table, _, _ = strings.Cut(table, "\n\n")
	rows := strings.Split(table, "\n")[2:]
	if len(rows) < 15 {
		t.Errorf("the threat model has only %d rows", len(rows))
	}
	for _, row := range rows {
		cells := strings.Split(strings.Trim(row, "|"), "|")
		if len(cells) != 4 || !regexp.MustCompile("`[a-z0-9/-]+\\.(?:Test|Fuzz)\\w+`").MatchString(cells[len(cells)-1]) {
			t.Errorf("this row of the threat model names no test: %s", row)
		}
	}
}

// The README's program is a tested example and begins by line 30. The page is
// short.
func TestReadme(t *testing.T) {
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile("examples/minimal-nethttp/main.go")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), "```go\n")
	code, _, _ := strings.Cut(rest, "```\n")
	if !found || code[strings.Index(code, "package main"):] != string(program[bytes.Index(program, []byte("package main")):]) {
		t.Error("the README's first program is not examples/minimal-nethttp/main.go")
	}
	if line := strings.Count(before, "\n") + 1; line > 30 {
		t.Errorf("the README's program begins at line %d, want by line 30", line)
	}
	if lines := bytes.Count(page, []byte("\n")); lines > 150 {
		t.Errorf("the README has %d lines, want at most 150", lines)
	}
}

// fenced matches a block of code, where brackets and parentheses are no link.
var fenced = regexp.MustCompile("(?ms)^```.*?^```")

// The targets of relative links exist.
func TestLinks(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`).FindAllSubmatch(fenced.ReplaceAll(text, nil), -1) {
			target := string(link[1])
			if strings.Contains(target, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), target)); err != nil {
				t.Errorf("%s links to %s, which does not exist", page, target)
			}
		}
	}
}

// The index names every page.
func TestIndex(t *testing.T) {
	index := read(t, "docs/README.md")
	pages, err := filepath.Glob("docs/*.md")
	if err != nil || len(pages) < 20 {
		t.Fatal(pages, err)
	}
	for _, page := range pages {
		if name := filepath.Base(page); name != "README.md" && !strings.Contains(index, "]("+name) {
			t.Errorf("docs/README.md does not link to %s", name)
		}
	}
}

// heading matches the text of a heading.
var heading = regexp.MustCompile(`(?m)^#+ (.+)$`)

// anchor returns the fragment of a heading, as GitHub makes it.
func anchor(title string) string {
	title = strings.ToLower(strings.TrimSpace(title))
	title = regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(title, "")
	return strings.ReplaceAll(title, " ", "-")
}

// The fragments of relative links are headings.
func TestFragments(t *testing.T) {
	checked := 0
	for _, page := range repositoryFiles(t, ".md") {
		text := fenced.ReplaceAllString(read(t, page), "")
		for _, link := range regexp.MustCompile(`\]\(([^)#:]*)#([^)]+)\)`).FindAllStringSubmatch(text, -1) {
			target := page
			if link[1] != "" {
				target = filepath.Join(filepath.Dir(page), link[1])
			}
			if filepath.Ext(target) != ".md" {
				continue
			}
			checked++
			found := false
			for _, h := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(read(t, target), ""), -1) {
				found = found || anchor(h[1]) == link[2]
			}
			if !found {
				t.Errorf("%s links to #%s, which is no heading of %s", page, link[2], target)
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d links were checked", checked)
	}
}

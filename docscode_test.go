package bearerkit_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// goBlock matches a block of Go code on a page.
var goBlock = regexp.MustCompile("(?ms)^```go\n(.*?)^```")

// wholeCode matches a block that is more than statements: it declares functions, or
// it is the configuration of an issuer in several lines.
var wholeCode = regexp.MustCompile(`(?m)^func |\Ajwks\.Issuer\{$`)

// The functions and the issuers that a page shows are in a Go file, word for word.
// So they compile, and the page changes with the code that the tests run. A whole
// program is an example of its own.
func TestCodeOfPages(t *testing.T) {
	var code []string
	for _, path := range repositoryFiles(t, ".go") {
		code = append(code, words(t, path))
	}
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, page := range pages {
		for _, block := range goBlock.FindAllStringSubmatch(read(t, page), -1) {
			if !wholeCode.MatchString(block[1]) || strings.HasPrefix(block[1], "package main\n") {
				continue
			}
			checked++
			want := strings.Join(strings.Fields(block[1]), " ")
			found := false
			for _, each := range code {
				found = found || strings.Contains(each, want)
			}
			if !found {
				t.Errorf("%s: no Go file contains this code; copy it from the test or the example that runs it:\n%s", page, block[1])
			}
		}
	}
	if checked < 25 {
		t.Errorf("only %d blocks were checked", checked)
	}
}

// scriptBlock matches a block of JavaScript that exports something.
var scriptBlock = regexp.MustCompile("(?ms)^```js\n([^`]*?^export .*?)^```$")

// The modules of JavaScript on the pages are in files that tests run.
func TestScriptsOfPages(t *testing.T) {
	var modules []string
	for _, path := range repositoryFiles(t, ".mjs") {
		modules = append(modules, read(t, path))
	}
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, page := range pages {
		for _, block := range scriptBlock.FindAllStringSubmatch(read(t, page), -1) {
			checked++
			if !slices.Contains(modules, block[1]) {
				t.Errorf("%s: no .mjs file is this module:\n%s", page, block[1])
			}
		}
	}
	if checked == 0 {
		t.Error("no module was checked")
	}
}

// words returns the text of a file with single spaces, so that indentation does
// not count.
func words(t *testing.T, path string) string {
	return strings.Join(strings.Fields(read(t, path)), " ")
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

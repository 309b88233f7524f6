package denylist_test

import (
	"os"
	"strings"
	"testing"
)

// The examples of this package contain the code of docs/sign-out.md, so it
// compiles.
func TestCodeOfTheDocs(t *testing.T) {
	page, err := os.ReadFile("../docs/sign-out.md")
	if err != nil {
		t.Fatal(err)
	}
	examples, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	spaced := func(code string) string { return strings.Join(strings.Fields(code), " ") }
	blocks := strings.Split(string(page), "```go\n")[1:]
	for _, rest := range blocks {
		block, _, _ := strings.Cut(rest, "```")
		if !strings.Contains(spaced(string(examples)), spaced(block)) {
			t.Errorf("no example contains this code of docs/sign-out.md:\n%s", block)
		}
	}
	if len(blocks) < 2 {
		t.Errorf("docs/sign-out.md has %d blocks of code", len(blocks))
	}
}

package jwks_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Reports L6, L8, L9: the tests of this package contain the programs of
// docs/issuers.md, so the programs compile and work.
func TestProgramsOfTheDocs(t *testing.T) {
	page, err := os.ReadFile("../docs/issuers.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var tested string
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tested += spaced(string(source))
	}
	programs := 0
	for _, rest := range strings.Split(string(page), "```go\n")[1:] {
		block, _, _ := strings.Cut(rest, "```")
		if !strings.Contains(block, "tokens") && !strings.Contains(block, "func ") { // an Issuer alone
			continue
		}
		programs++
		if !strings.Contains(tested, spaced(block)) {
			t.Errorf("no test contains this program of docs/issuers.md:\n%s", block)
		}
	}
	if programs < 6 {
		t.Errorf("docs/issuers.md has %d programs; want at least 6", programs)
	}
}

// spaced returns code with each run of white space replaced by one space.
func spaced(code string) string { return strings.Join(strings.Fields(code), " ") + " " }

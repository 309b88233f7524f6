package bearerkit_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// unclear are phrases that are hard to read for people whose first language is
// not English, or that hide who does what.
var unclear = regexp.MustCompile(`(?i)\b(whoever|whomever|another than|for ever|is none of|be mended|to be had|of its own being|that which|hands? over|is of concern|nobody who|who comes|as long as not)\b`)

// Comments, documentation, errors and log texts are written as CONTRIBUTING.md
// says.
func TestTextIsPlain(t *testing.T) {
	read := 0
	for _, path := range repositoryFiles(t, ".go", ".md", ".mjs", ".yml") {
		if path == "prose_test.go" {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		read++
		for i, line := range strings.Split(string(text), "\n") {
			if phrase := unclear.FindString(line); phrase != "" {
				t.Errorf("%s:%d: %q: say who does what, in other words", path, i+1, phrase)
			}
		}
	}
	if read < 300 {
		t.Errorf("only %d files were read", read)
	}
}

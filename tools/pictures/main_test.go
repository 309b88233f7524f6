package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The committed pictures are drawn from their sources, and have texts for readers
// who cannot see them.
func TestPicturesAreCurrent(t *testing.T) {
	sources, err := filepath.Glob("../../docs/pictures/*.txt")
	if err != nil || len(sources) < 5 {
		t.Fatal(sources, err)
	}
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		want, err := draw(string(text))
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		name := strings.TrimSuffix(source, ".txt") + ".svg"
		if got, err := os.ReadFile(name); err != nil || string(got) != string(want) {
			t.Errorf("%s is not current (%v): GOWORK=off go -C tools run ./pictures ../docs/pictures", name, err)
		}
		elements := map[string]int{}
		for decoder := xml.NewDecoder(strings.NewReader(string(want))); ; {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if start, ok := token.(xml.StartElement); ok {
				elements[start.Name.Local]++
			}
		}
		if elements["title"] != 1 || elements["desc"] != 1 || elements["text"] < 5 {
			t.Errorf("%s: %v", name, elements)
		}
	}
}

func TestMistakesInSources(t *testing.T) {
	const head = "title: t\ndesc: d\n"
	for source, want := range map[string]string{
		"sequence\nwho: a, b\n": "want a title",
		"tree\n" + head:         `unknown kind "tree"`,
		"sequence\n" + head + "who: a, b\na: x\na -> c: hello\n": "a -> c: hello",
		"ladder\n" + head + "a question?\n= end\n":               "a question?",
		"ladder\n" + head + "a question? | no\n":                 "want questions",
	} {
		if _, err := draw(source); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", source, err, want)
		}
	}
}

// Command pictures draws the pictures of the documentation. Each file
// docs/pictures/NAME.txt becomes docs/pictures/NAME.svg:
//
//	GOWORK=off go -C tools run ./pictures ../docs/pictures
//
// The first line of a file is the kind of its picture, sequence or ladder. The lines
// "title: …" and "desc: …" are for readers who cannot see it. A sequence has
//
//	who: client, API, issuer
//	client -> API: a request | with a second line
//	API --> client: an answer
//	API: what the API does itself
//
// and a ladder, from top to bottom,
//
//	a question? | the answer where it is not so | and what the client does
//	a part      | what it answers
//	= where the last question leads
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: pictures FOLDER")
	}
	sources, err := filepath.Glob(filepath.Join(os.Args[1], "*.txt"))
	if err != nil || len(sources) == 0 {
		log.Fatalf("pictures: no *.txt in %q (%v)", os.Args[1], err)
	}
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if err != nil {
			log.Fatal(err)
		}
		drawn, err := draw(string(text))
		if err != nil {
			log.Fatalf("pictures: %s: %v", source, err)
		}
		if err := os.WriteFile(strings.TrimSuffix(source, ".txt")+".svg", drawn, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// draw returns the SVG of a picture.
func draw(source string) ([]byte, error) {
	c := &canvas{}
	var lines []string
	kind := ""
	for line := range strings.Lines(source) {
		line = strings.TrimSpace(line)
		switch name, value, _ := strings.Cut(line, ": "); {
		case line == "":
		case kind == "":
			kind = line
		case name == "title":
			c.title = value
		case name == "desc":
			c.desc = value
		default:
			lines = append(lines, line)
		}
	}
	if c.title == "" || c.desc == "" {
		return nil, fmt.Errorf("want a title and a desc")
	}
	var err error
	switch kind {
	case "sequence":
		err = c.sequence(lines)
	case "ladder":
		err = c.ladder(lines)
	default:
		err = fmt.Errorf("unknown kind %q; want sequence or ladder", kind)
	}
	return c.svg(), err
}

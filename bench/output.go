package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// output is the destination of the tables.
type output struct {
	file string // empty: standard output
	name string // of the marked place in the file
}

// write prints text or writes it to the file. If the file has the lines
// <!-- bench NAME --> and <!-- end NAME -->, write replaces the text between them.
func (o output) write(text []byte) error {
	if o.file == "" {
		_, err := os.Stdout.Write(text)
		return err
	}
	page, err := os.ReadFile(o.file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(o.file, o.placed(page, text), 0o644)
}

func (o output) placed(page, text []byte) []byte {
	before, rest, ok := bytes.Cut(page, fmt.Appendf(nil, "<!-- bench %s -->\n", o.name))
	_, after, hasEnd := bytes.Cut(rest, fmt.Appendf(nil, "<!-- end %s -->\n", o.name))
	if !ok || !hasEnd {
		return text
	}
	return fmt.Appendf(nil, "%s<!-- bench %s -->\n%s<!-- end %s -->\n%s", before, o.name, text, o.name, after)
}

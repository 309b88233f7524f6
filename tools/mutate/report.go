package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// report counts the mutants by package.
type report struct {
	known    *knownList
	packages []counted
}

// counted is a package with the fates of its mutants.
type counted struct {
	path     string
	verdicts []verdict
	stale    []string
}

func (c counted) count(f fate) (n int) {
	for _, v := range c.verdicts {
		if v.fate == f {
			n++
		}
	}
	return n
}

func (r *report) add(path string, verdicts []verdict) {
	c := counted{path: path, verdicts: verdicts}
	if c.count(waiting) == 0 {
		c.stale = r.known.stale(path)
	}
	r.packages = append(r.packages, c)
}

func (r *report) survivors() (n int) {
	for _, c := range r.packages {
		n += c.count(survived)
	}
	return n
}

// describe tells about a mutant on one line.
func describe(path string, v verdict) string {
	text := fmt.Sprintf("%s/%s:%d: %s: %s", shortPath(path), v.file, v.line, v.fate, v.key())
	if v.by != "" {
		text += " (" + v.by + ")"
	}
	if !v.reached {
		text += " (no test of the package reaches it)"
	}
	return text
}

const tableHead = "| package | mutants | killed | equivalent | survived |\n| --- | ---: | ---: | ---: | ---: |\n"

// row is the line of a package in the table.
func (c counted) row() string {
	judged := len(c.verdicts) - c.count(waiting)
	return fmt.Sprintf("| `%s` | %d | %d | %d | %d |", shortPath(c.path), judged, c.count(killed), c.count(equivalent), c.count(survived))
}

// write prints the table, the survivors, and what is wrong with the list of known
// mutants.
func (r *report) write(out io.Writer) {
	fmt.Fprint(out, "\n", tableHead)
	for _, c := range r.packages {
		fmt.Fprintln(out, c.row())
	}
	for _, c := range r.packages {
		if n := c.count(waiting); n > 0 {
			fmt.Fprintf(out, "\n%s: %d mutants were not judged, because the budget was used up\n", c.path, n)
		}
		for _, v := range c.verdicts {
			if v.fate == survived {
				fmt.Fprintln(out, describe(c.path, v))
			}
		}
		for _, name := range c.stale {
			fmt.Fprintf(out, "listed, but killed or gone: %s\n", name)
		}
	}
}

// knownMark begins the list of known mutants in a Markdown file, which ends the
// file.
const knownMark = "<!-- known mutants -->\n"

// update replaces the rows of the packages in the table of a Markdown file, and
// its list of known mutants.
func (r *report) update(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, after, found := strings.Cut(string(text), tableHead)
	if !found {
		return fmt.Errorf("%s has no table with the head\n%s", file, tableHead)
	}
	end := 0
	for strings.HasPrefix(after[end:], "|") {
		end += strings.Index(after[end:], "\n") + 1
	}
	rows, after := strings.SplitAfter(after[:end], "\n"), after[end:]
	for _, c := range r.packages {
		rows = replaceRow(rows, c)
	}
	after, _, found = strings.Cut(after, knownMark)
	if !found {
		return fmt.Errorf("%s has no line %q", file, knownMark)
	}
	page := before + tableHead + strings.Join(rows, "") + after + knownMark + r.known.markdown()
	return os.WriteFile(file, []byte(page), 0o644)
}

func replaceRow(rows []string, c counted) []string {
	for i, row := range rows {
		if strings.HasPrefix(row, "| `"+shortPath(c.path)+"` |") {
			rows[i] = c.row() + "\n"
			return rows
		}
	}
	return append(rows, c.row()+"\n")
}

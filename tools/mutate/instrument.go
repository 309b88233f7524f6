package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// An instrumented package contains all its mutants. An environment variable
// chooses one of them, or none, so that the package is compiled only once.

// chooser is the file that an instrumented package has in addition.
const chooser = `package %s

import (
	"os"
	"strconv"
	"sync/atomic"
)

var (
	mutantChosen, _ = strconv.Atoi(os.Getenv("MUTANT"))
	mutantLog       = mutantOpen(os.Getenv("MUTANT_LOG"))
	mutantReached   [%d]atomic.Bool
)

func mutantOpen(name string) *os.File {
	if name == "" {
		return nil
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	return file
}

// mutantOn reports whether a mutant was chosen, and logs that it was reached.
func mutantOn(id int) bool {
	if mutantLog != nil && !mutantReached[id].Swap(true) {
		mutantLog.WriteString(strconv.Itoa(id) + "\n")
	}
	return mutantChosen == id
}

func mutantOr[T any](usual T, id int, instead T) T {
	if mutantOn(id) {
		return instead
	}
	return usual
}

func mutantHide[T any](value any, id int) any {
	if _, ok := value.(T); ok && mutantOn(id) {
		return struct{ mutantHidden int }{}
	}
	return value
}
`

// instrument writes the package with all its mutants into a folder, and returns
// the name of the overlay file for the go command.
func (v *variants) instrument(folder string) (string, error) {
	replace := map[string]string{}
	write := func(name string, text []byte) error {
		replace[filepath.Join(v.Dir, name)] = filepath.Join(folder, name)
		return os.WriteFile(filepath.Join(folder, name), text, 0o600)
	}
	for name, sites := range v.sites {
		if err := write(name, rewrite(v.texts[name], sites)); err != nil {
			return "", err
		}
	}
	added := fmt.Sprintf(chooser, v.types.Name(), v.last+1)
	if err := write("mutants_chooser.go", []byte(added)); err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	name := filepath.Join(folder, "overlay.json")
	return name, os.WriteFile(name, overlay, 0o600)
}

// rewrite returns the source with the mutants of its sites.
func rewrite(text []byte, sites []*site) []byte {
	ordered := slices.Clone(sites)
	slices.SortFunc(ordered, func(a, b *site) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end), cmp.Compare(b.form, a.form))
	})
	out, rest := nested(text, ordered, 0, len(text))
	if len(rest) > 0 {
		panic("mutate: sites overlap") // the parts of a syntax tree do not
	}
	return out
}

// nested rewrites the text between two offsets, and returns the sites that begin
// after it.
func nested(text []byte, sites []*site, from, to int) ([]byte, []*site) {
	var out bytes.Buffer
	for len(sites) > 0 && sites[0].end <= to && sites[0].start >= from {
		s := sites[0]
		var inner []byte
		inner, sites = nested(text, sites[1:], s.start, s.end)
		out.Write(text[from:s.start])
		out.WriteString(s.write(string(inner)))
		from = s.end
	}
	out.Write(text[from:to])
	return out.Bytes(), sites
}

// write returns the source of a site with its mutants.
func (s *site) write(inner string) string {
	if len(s.mutants) == 0 {
		return inner
	}
	switch s.form {
	case statement:
		return fmt.Sprintf("if !mutantOn(%d) { %s }", s.mutants[0].id, inner)
	case hidden:
		for i, m := range s.mutants {
			inner = fmt.Sprintf("mutantHide[%s](%s, %d)", s.instead[i], inner, m.id)
		}
		return inner
	case value:
		for i, m := range s.mutants {
			inner = fmt.Sprintf("mutantOr[%s](%s, %d, %s)", s.typ, inner, m.id, s.instead[i])
		}
		return inner
	}
	var usual, chosen strings.Builder
	for i, m := range s.mutants {
		fmt.Fprintf(&usual, "!mutantOn(%d) && ", m.id)
		if s.instead[i] != "false" {
			fmt.Fprintf(&chosen, " || mutantOn(%d)", m.id)
		}
		if s.instead[i] != "false" && s.instead[i] != "true" {
			fmt.Fprintf(&chosen, " && (%s)", s.instead[i])
		}
	}
	return "(" + usual.String() + "(" + inner + ")" + chosen.String() + ")"
}

// drop removes the mutants of the lines, by file, and reports how many.
func (v *variants) drop(lines map[string][]int) (dropped int) {
	for name, sites := range v.sites {
		for _, s := range sites {
			for i := len(s.mutants) - 1; i >= 0; i-- {
				m := s.mutants[i]
				if slices.Contains(lines[name], m.line) {
					s.mutants, s.instead = slices.Delete(s.mutants, i, i+1), slices.Delete(s.instead, i, i+1)
					v.mutants = slices.DeleteFunc(v.mutants, func(other *mutant) bool { return other == m })
					dropped++
				}
			}
		}
	}
	return dropped
}

package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// knownList is the list of mutants that may survive. Each has a reason:
//
//	## a reason, which holds for all mutants below it
//	internal/jose Key.Verify: len(kid) > 0 => true
//
// A mutant has no line number, so that the list stays true when other lines
// change.
type knownList struct {
	reasons map[string]string // by package and mutant
	order   []string
	used    map[string]bool
}

// readKnown reads the list; without a file it is empty.
func readKnown(file string) (*knownList, error) {
	k := &knownList{reasons: map[string]string{}, used: map[string]bool{}}
	if file == "" {
		return k, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	reason := ""
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		switch {
		case strings.HasPrefix(line, "## "):
			reason = line[len("## "):]
		case line == "" || strings.HasPrefix(line, "#"):
		case reason == "" || !strings.Contains(line, " => "):
			return nil, fmt.Errorf("%s:%d: want a line with ## and a reason, and then lines of the form: package function: before => after", file, n)
		default:
			if k.reasons[line] != "" {
				return nil, fmt.Errorf("%s:%d: this mutant is listed twice", file, n)
			}
			k.reasons[line] = reason
			k.order = append(k.order, line)
		}
	}
	return k, lines.Err()
}

// knownName is how the list names a mutant.
func knownName(path string, m *mutant) string { return shortPath(path) + " " + m.key() }

// shortPath is the path of a package within its module, for the modules whose
// path has the usual three parts.
func shortPath(path string) string {
	parts := strings.SplitN(path, "/", 4)
	return parts[len(parts)-1]
}

// has reports whether a mutant is listed.
func (k *knownList) has(path string, m *mutant) bool {
	name := knownName(path, m)
	if k.reasons[name] == "" {
		return false
	}
	k.used[name] = true
	return true
}

// stale returns the listed mutants of a package that did not survive, or that do
// not exist.
func (k *knownList) stale(path string) (names []string) {
	for _, name := range k.order {
		if strings.HasPrefix(name, shortPath(path)+" ") && !k.used[name] {
			names = append(names, name)
		}
	}
	return names
}

// markdown renders the list for the documentation.
func (k *knownList) markdown() string {
	var out strings.Builder
	reason := ""
	for _, name := range k.order {
		if k.reasons[name] != reason {
			reason = k.reasons[name]
			fmt.Fprintf(&out, "\n### %s\n\n", strings.ToUpper(reason[:1])+reason[1:])
		}
		quote := "`"
		if strings.Contains(name, quote) {
			quote = "``"
		}
		fmt.Fprintf(&out, "- %s%s%s\n", quote, name, quote)
	}
	return out.String()
}

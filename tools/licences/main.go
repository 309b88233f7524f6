// Licences checks the licences of all modules that the modules of a repository
// build or test with:
//
//	licences REPOSITORY
//
// It prints a line for each, and fails if it does not recognize a licence file, or
// if a licence is not allowed.
package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// inBuilds are the licences that a user's build may have.
var inBuilds = []string{"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0"}

// inTests are more licences that tests and tools may have, which are not released.
var inTests = append([]string{"MPL-2.0", "Unlicense"}, inBuilds...)

// chosen are the licences of modules that leave the choice to the user.
var chosen = map[string]string{
	"github.com/hhatto/gorst": "BSD-3-Clause, MIT", // a parser in it is under the GPL or MIT; cyclonedx-gomod links it
}

var (
	errUnknown    = errors.New("no recognized licence")
	errNotAllowed = errors.New("the licence is not allowed")
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: licences REPOSITORY")
		os.Exit(2)
	}
	found, err := scan(os.Args[1])
	if err == nil {
		fmt.Print(table(found))
		err = judge(found)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

// judge reports every dependency whose licences are not known and allowed.
func judge(found map[string]*dependency) error {
	var mistakes []error
	for _, path := range slices.Sorted(maps.Keys(found)) {
		d := found[path]
		allowed := inTests
		if d.built {
			allowed = inBuilds
		}
		if len(d.licences) == 0 {
			mistakes = append(mistakes, fmt.Errorf("%s: %w in %s", path, errUnknown, d.dir))
		}
		licences := d.licences
		if choice, ok := chosen[path]; ok {
			licences = strings.Split(choice, ", ")
		}
		for _, id := range licences {
			if !slices.Contains(allowed, id) {
				mistakes = append(mistakes, fmt.Errorf("%s: %w: got %q, want one of %s", path, errNotAllowed, id, strings.Join(allowed, ", ")))
			}
		}
	}
	return errors.Join(mistakes...)
}

func table(found map[string]*dependency) string {
	var out strings.Builder
	for _, path := range slices.Sorted(maps.Keys(found)) {
		use := "tests"
		if found[path].built {
			use = "builds"
		}
		fmt.Fprintf(&out, "%-7s %-60s %s\n", use, path, strings.Join(found[path].licences, ", "))
	}
	return out.String()
}

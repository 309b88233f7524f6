// Package modules reads the modules of this repository and archives them as the
// go command does.
package modules

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
)

// Module is a module of the repository.
type Module struct {
	Dir  string // relative to the repository, with slashes; "." is the root
	File *modfile.File
}

// Path returns the path by which the module is imported.
func (m Module) Path() string { return m.File.Module.Mod.Path }

// Tag returns the name of the git tag of a version of the module.
func (m Module) Tag(version string) string {
	if m.Dir == "." {
		return version
	}
	return m.Dir + "/" + version
}

// List returns the modules whose go.mod file git knows, sorted by path. It leaves
// out test data.
func List(repository string) ([]Module, error) {
	out, err := exec.Command("git", "-C", repository, "ls-files", "go.mod", "*/go.mod").Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files in %s: %w", repository, err)
	}
	var all []Module
	for _, name := range strings.Fields(string(out)) {
		if strings.Contains(name, "/testdata/") {
			continue
		}
		content, err := os.ReadFile(filepath.Join(repository, name))
		if err != nil {
			return nil, err
		}
		file, err := modfile.Parse(name, content, nil)
		if err != nil {
			return nil, err
		}
		all = append(all, Module{Dir: path.Dir(name), File: file})
	}
	return all, nil
}

// Released returns the modules that users import or install: the root, the
// adapters, the commands, the examples, and each module of the repository that
// these require. A module follows those that it requires. The others serve the
// development alone, and get no tag.
func Released(all []Module) []Module {
	byPath := map[string]Module{}
	for _, m := range all {
		byPath[m.Path()] = m
	}
	var ordered []Module
	added := map[string]bool{}
	var add func(Module)
	add = func(m Module) {
		if added[m.Path()] {
			return
		}
		added[m.Path()] = true
		for _, r := range m.File.Require {
			if own, ok := byPath[r.Mod.Path]; ok {
				add(own)
			}
		}
		ordered = append(ordered, m)
	}
	for _, m := range all {
		kind, _, _ := strings.Cut(m.Dir, "/")
		switch kind {
		case ".", "adapters", "cmd", "examples":
			add(m)
		}
	}
	return ordered
}

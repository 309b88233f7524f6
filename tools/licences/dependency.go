package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/google/licensecheck"

	"github.com/bearerkit/bearerkit/tools/internal/modules"
)

// dependency is a module of another author.
type dependency struct {
	dir      string
	licences []string // SPDX identifiers, sorted; none if a file is not recognized
	built    bool     // a released module links it
}

// scan finds the dependencies of all modules of a repository, by path. If modules
// use several versions of one, it takes all their licences together.
func scan(repository string) (map[string]*dependency, error) {
	all, err := modules.List(repository)
	if err != nil {
		return nil, err
	}
	found := map[string]*dependency{}
	for _, m := range all {
		args := []string{"-test", "./..."}
		if len(m.File.Tool) > 0 {
			args = append(args, "tool")
		}
		if err := list(filepath.Join(repository, m.Dir), false, found, args...); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Path(), err)
		}
	}
	for _, m := range modules.Released(all) {
		if err := list(filepath.Join(repository, m.Dir), true, found, "./..."); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Path(), err)
		}
	}
	return found, nil
}

// list adds the modules whose packages a module needs.
func list(dir string, built bool, found map[string]*dependency, args ...string) error {
	cmd := exec.Command("go", append([]string{"list", "-deps", "-json=Module"}, args...)...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go list: %w", err)
	}
	seen := map[string]bool{}
	for packages := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			Module *struct {
				Path, Dir string
				Main      bool
				Replace   *struct{ Version string }
			}
		}
		if err := packages.Decode(&p); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		m := p.Module
		if m == nil || m.Main || m.Replace != nil && m.Replace.Version == "" || seen[m.Path] {
			continue // the standard library, or this repository
		}
		seen[m.Path] = true
		licences, err := licencesOf(m.Dir)
		if err != nil {
			return err
		}
		d := found[m.Path]
		if d == nil {
			d = &dependency{licences: licences}
			found[m.Path] = d
		}
		d.dir, d.built = m.Dir, d.built || built
		d.licences = append(d.licences, licences...)
		slices.Sort(d.licences)
		d.licences = slices.Compact(d.licences)
	}
}

var licenceFile = regexp.MustCompile(`(?i)^(un)?(licen[cs]e|copying)([.-].*)?$`)

// known is the share of a licence file that must be text of known licences, in
// percent. The rest is names, years and headings.
const known = 75

// licencesOf returns the licences of the files at the top of a module, or none if
// it recognizes too little of one.
func licencesOf(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, e := range entries {
		if e.IsDir() || filepath.Ext(e.Name()) == ".go" || !licenceFile.MatchString(e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		coverage := licensecheck.Scan(text)
		if coverage.Percent < known {
			return nil, nil
		}
		for _, match := range coverage.Match {
			if !match.IsURL {
				ids = append(ids, match.ID)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

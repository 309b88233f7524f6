package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"

	"github.com/bearerkit/bearerkit/tools/internal/modules"
)

// require lets all modules require each other at the version.
func (r *release) require(all []modules.Module) error {
	for _, m := range all {
		for _, own := range required(m, all) {
			if err := m.File.AddRequire(own.Path(), r.version); err != nil {
				return err
			}
		}
		if err := r.write(m); err != nil {
			return err
		}
	}
	return nil
}

// detach takes away the replace lines of a released module, adds the checksums of
// the modules that it requires to its go.sum, and commits both. These modules are
// detached already.
func (r *release) detach(m modules.Module, all []modules.Module) error {
	needed := required(m, all)
	if len(needed) == 0 {
		return nil
	}
	name := filepath.Join(r.clone.dir, m.Dir, "go.sum")
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	for _, own := range needed {
		if err := m.File.DropReplace(own.Path(), ""); err != nil {
			return err
		}
		sums, err := r.checksums(own)
		if err != nil {
			return err
		}
		lines = append(lines, sums...)
	}
	slices.Sort(lines)
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		return err
	}
	if err := r.write(m); err != nil {
		return err
	}
	return r.clone.run("commit", "--quiet", "--all", "--message",
		"release: "+m.Dir+" "+r.version+" requires released modules")
}

// required returns the modules of the repository that m requires.
func required(m modules.Module, all []modules.Module) []modules.Module {
	var found []modules.Module
	for _, own := range all {
		if slices.ContainsFunc(m.File.Require, func(r *modfile.Require) bool { return r.Mod.Path == own.Path() }) {
			found = append(found, own)
		}
	}
	return found
}

func (r *release) write(m modules.Module) error {
	m.File.Cleanup()
	content, err := m.File.Format()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.clone.dir, m.Dir, "go.mod"), content, 0o644)
}

// checksums returns the lines of go.sum for a module, as committed in the clone.
func (r *release) checksums(m modules.Module) ([]string, error) {
	archive, err := os.CreateTemp("", "*.zip")
	if err != nil {
		return nil, err
	}
	defer os.Remove(archive.Name())
	defer archive.Close()
	if err := modules.Archive(archive, r.clone.dir, m.Dir, module.Version{Path: m.Path(), Version: r.version}); err != nil {
		return nil, err
	}
	sum, err := dirhash.HashZip(archive.Name(), dirhash.Hash1)
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(filepath.Join(r.clone.dir, m.Dir, "go.mod"))
	if err != nil {
		return nil, err
	}
	mod, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	})
	if err != nil {
		return nil, err
	}
	version := m.Path() + " " + r.version
	return []string{version + " " + sum, version + "/go.mod " + mod}, nil
}

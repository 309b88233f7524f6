package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/bearerkit/bearerkit/tools/internal/modules"
)

type config struct {
	repository, out, keep string // folders
	version               string
	sbom                  string // the path of cyclonedx-gomod
	modcache              string // for bills of materials; "" is a temporary folder
	push, rebuild         bool
	log                   io.Writer
}

var (
	errVersion   = errors.New("the version is wrong")
	errTag       = errors.New("the tag is wrong")
	errChanged   = errors.New("the working tree has changes; commit or stash them")
	errRemote    = errors.New("the branch is not that of origin")
	errChangelog = errors.New("CHANGELOG.md is not ready")
)

// release is one run in its scratch clone.
type release struct {
	config
	clone    repository
	released []modules.Module
	prepared string // the commit for the branch
}

func run(c config) error {
	if err := c.check(); err != nil {
		return err
	}
	clone := c.keep
	if clone == "" {
		temp, err := os.MkdirTemp("", "release")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temp)
		clone = filepath.Join(temp, "clone")
	}
	r := &release{config: c}
	var err error
	if r.clone, err = cloneOf(c.repository, clone); err != nil {
		return err
	}
	if c.rebuild {
		err = r.clone.run("checkout", "--quiet", c.version)
	} else {
		err = r.commit()
	}
	if err != nil {
		return err
	}
	all, err := modules.List(clone)
	if err != nil {
		return err
	}
	r.released = modules.Released(all)
	if c.rebuild {
		return r.artefacts()
	}
	for _, step := range []func() error{r.tag, r.artefacts, r.publish} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// check reports everything that prevents the release.
func (c config) check() error {
	source := repository{dir: c.repository}
	var mistakes []error
	if semver.Canonical(c.version) != c.version || c.version == "" {
		return fmt.Errorf("%w: got %q, want one such as v0.2.0", errVersion, c.version)
	}
	if major := semver.Major(c.version); major != "v0" && major != "v1" {
		mistakes = append(mistakes, fmt.Errorf("%w: got %q, but from v2 on, module paths must end in the major version", errVersion, c.version))
	}
	if c.push && c.rebuild {
		mistakes = append(mistakes, errors.New("-push and -rebuild exclude each other"))
	}
	// The tags of the other modules end in the version, too.
	tags, err := source.read("tag", "--list", c.version, "*/"+c.version)
	if err != nil {
		return err
	}
	tag := strings.Fields(tags)
	if c.rebuild {
		if !slices.Contains(tag, c.version) {
			mistakes = append(mistakes, fmt.Errorf("%w: there is no %s; fetch the tags with git fetch --tags", errTag, c.version))
		}
		return errors.Join(mistakes...)
	}
	if len(tag) > 0 {
		mistakes = append(mistakes, fmt.Errorf("%w: %s exists; choose a new version", errTag, strings.Join(tag, ", ")))
	}
	changed, err := source.read("status", "--porcelain")
	if err != nil {
		return err
	}
	if changed != "" {
		mistakes = append(mistakes, fmt.Errorf("%w:\n%s", errChanged, changed))
	}
	if c.push {
		mistakes = append(mistakes, source.checkBranch())
	}
	return errors.Join(mistakes...)
}

// commit makes the two commits of the release. The first names the version, and
// is for the branch. The second one, which the tags name, takes away the replace
// lines: with them, go install refuses a module.
func (r *release) commit() error {
	date, err := r.clone.date()
	if err != nil {
		return err
	}
	name := filepath.Join(r.clone.dir, "CHANGELOG.md")
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	changed, err := changelog(string(text), r.version, date.Format("2006-01-02"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(name, []byte(changed), 0o644); err != nil {
		return err
	}
	all, err := modules.List(r.clone.dir)
	if err != nil {
		return err
	}
	if err := r.require(all); err != nil {
		return err
	}
	if err := r.clone.run("commit", "--quiet", "--all", "--message", "release: bearerkit "+r.version); err != nil {
		return err
	}
	if r.prepared, err = r.clone.read("rev-parse", "HEAD"); err != nil {
		return err
	}
	for _, m := range modules.Released(all) {
		if err := r.detach(m, all); err != nil {
			return fmt.Errorf("%s: %w", m.Path(), err)
		}
	}
	return nil
}

// tag tags the last commit for each released module, those first that others
// require.
func (r *release) tag() error {
	for _, m := range r.released {
		tag := m.Tag(r.version)
		if err := r.clone.run("tag", "--annotate", "--message", m.Path()+" "+r.version, tag); err != nil {
			return err
		}
	}
	return nil
}

// publish pushes the release, or prints what it would push.
func (r *release) publish() error {
	source := repository{dir: r.repository}
	branch, err := source.read("rev-parse", "--abbrev-ref", "HEAD")
	if err != nil {
		return err
	}
	refs := []string{r.prepared + ":refs/heads/" + branch}
	for _, m := range r.released {
		refs = append(refs, "refs/tags/"+m.Tag(r.version))
	}
	if !r.push {
		fmt.Fprintf(r.log, "\nA dry run: nothing is pushed. With -push, one atomic push sends to origin:\n  %s\n", strings.Join(refs, "\n  "))
		return nil
	}
	remote, err := source.read("remote", "get-url", "--push", "origin")
	if err != nil {
		return err
	}
	if err := r.clone.run(append([]string{"push", "--quiet", "--atomic", remote}, refs...)...); err != nil {
		return err
	}
	fmt.Fprintf(r.log, "\nPushed to %s:\n  %s\n", remote, strings.Join(refs, "\n  "))
	return nil
}

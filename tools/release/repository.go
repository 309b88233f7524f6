package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// repository runs git in a folder.
type repository struct {
	dir string
	env []string // besides that of the process
}

// cloneOf clones the last commit and the tags of a repository. The clone commits
// as the last committer, at the time of the last commit, so that the same commit
// always gives the same release.
func cloneOf(from, to string) (repository, error) {
	from, err := filepath.Abs(from)
	if err != nil {
		return repository{}, err
	}
	r := repository{dir: "."}
	if err := r.run("clone", "--quiet", from, to); err != nil {
		return r, err
	}
	r.dir = to
	last, err := r.read("log", "-1", "--format=%cn%n%ce%n%cI")
	if err != nil {
		return r, err
	}
	lines := strings.Split(last, "\n")
	if len(lines) != 3 {
		return r, fmt.Errorf("git log -1: got %q, want a name, an address and a date", last)
	}
	for _, role := range []string{"AUTHOR", "COMMITTER"} {
		r.env = append(r.env, "GIT_"+role+"_NAME="+lines[0], "GIT_"+role+"_EMAIL="+lines[1], "GIT_"+role+"_DATE="+lines[2])
	}
	// Signatures would differ from run to run.
	for _, key := range []string{"commit.gpgSign", "tag.gpgSign"} {
		if err := r.run("config", key, "false"); err != nil {
			return r, err
		}
	}
	return r, nil
}

func (r repository) run(args ...string) error {
	_, err := r.read(args...)
	return err
}

// read returns what git prints, without the last line feed.
func (r repository) read(args ...string) (string, error) {
	var out, mistakes bytes.Buffer
	cmd := exec.Command("git", append([]string{"-C", r.dir}, args...)...)
	cmd.Env = append(os.Environ(), r.env...)
	cmd.Stdout, cmd.Stderr = &out, &mistakes
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("git %s: %w\n%s", args[0], err, mistakes.String())
	}
	return strings.TrimRight(out.String(), "\n"), nil
}

// date returns the time of the last commit.
func (r repository) date() (time.Time, error) {
	text, err := r.read("log", "-1", "--format=%ct")
	if err != nil {
		return time.Time{}, err
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	return time.Unix(seconds, 0).UTC(), err
}

// checkBranch checks that the last commit is that of a branch of origin, so that
// nobody has pushed another one in the meantime.
func (r repository) checkBranch() error {
	branch, err := r.read("symbolic-ref", "--short", "HEAD")
	if err != nil {
		return fmt.Errorf("%w: HEAD is on no branch; check out the branch to release", errRemote)
	}
	remote, err := r.read("ls-remote", "origin", "refs/heads/"+branch)
	if err != nil {
		return err
	}
	head, err := r.read("rev-parse", "HEAD")
	if err != nil {
		return err
	}
	if !strings.HasPrefix(remote, head) {
		return fmt.Errorf("%w: HEAD is %s, and origin has %q for %s; pull or push first", errRemote, head, remote, branch)
	}
	return nil
}

package bearerkit_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Reports L18: go list -m all, which editors and go doc run, does not change a
// fresh clone. .ci/workspace runs more commands, in the working tree itself.
func TestWorkspaceSumsAreComplete(t *testing.T) {
	work, err := os.ReadFile("go.work")
	if err != nil {
		t.Fatal(err)
	}
	clone := t.TempDir()
	for _, member := range regexp.MustCompile(`(?m)^\t(\S+)$`).FindAllStringSubmatch(string(work), -1) {
		for _, name := range []string{"go.mod", "go.sum"} {
			if _, err := os.Stat(filepath.Join(member[1], name)); os.IsNotExist(err) && name == "go.sum" {
				continue // a module without dependencies
			}
			copyFile(t, filepath.Join(member[1], name), filepath.Join(clone, member[1], name))
		}
	}
	copyFile(t, "go.work", filepath.Join(clone, "go.work"))
	copyFile(t, "go.work.sum", filepath.Join(clone, "go.work.sum"))
	for _, args := range []string{"list -m all", "mod graph"} {
		cmd := exec.CommandContext(t.Context(), "go", strings.Fields(args)...)
		cmd.Dir = clone
		cmd.Env = append(os.Environ(), "GOWORK="+filepath.Join(clone, "go.work"), "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			if os.Getenv("CI") != "true" {
				t.Skipf("NOT tested: go %s: %v (perhaps because there is no network)\n%s", args, err, lastLine(out))
			}
			t.Fatalf("go %s: %v\n%s", args, err, lastLine(out))
		}
	}
	before, err := os.ReadFile("go.work.sum")
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(filepath.Join(clone, "go.work.sum"))
	if err != nil {
		t.Fatal(err)
	}
	if string(before) != string(after) {
		t.Errorf("the go command changed go.work.sum from %d to %d bytes; run .ci/workspace and commit the file", len(before), len(after))
	}
}

// A module that the Makefile does not list would not be tested.
func TestEveryModuleIsTested(t *testing.T) {
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^MODULES = (.+)$`).FindSubmatch(makefile)
	if line == nil {
		t.Fatal("the Makefile has no MODULES")
	}
	listed := strings.Fields(string(line[1]))
	var found []string
	err = filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == "node_modules" || d.Name() == ".git"):
			return filepath.SkipDir
		case d.Name() == "go.mod":
			found = append(found, filepath.ToSlash(filepath.Dir(path)))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(listed)
	slices.Sort(found)
	if !slices.Equal(listed, found) {
		t.Errorf("MODULES in the Makefile: %v\nmodules: %v", listed, found)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}

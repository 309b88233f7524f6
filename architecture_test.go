package bearerkit_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs/architecture.md names only files and folders that exist, has every
// package on its map, and leads to the files of at least twenty likely changes.
func TestArchitecture(t *testing.T) {
	text, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)

	named := map[string]bool{}
	for _, m := range regexp.MustCompile("`([a-z0-9_./-]+)`").FindAllStringSubmatch(page, -1) {
		named[m[1]] = true
	}
	// The drawings name files without backticks.
	for _, name := range regexp.MustCompile(`\b[a-z0-9_][a-z0-9_/-]*\.go\b`).FindAllString(page, -1) {
		named[name] = true
	}
	for name := range named {
		if _, err := os.Stat(name); err != nil {
			t.Errorf("docs/architecture.md names %s, which does not exist", name)
		}
	}

	for _, dir := range packageFolders(t) {
		if !strings.Contains(page, "\n| `"+dir+"` | ") {
			t.Errorf("the map in docs/architecture.md has no row for %s", dir)
		}
	}

	changes := regexp.MustCompile("(?m)^\\| .* \\| \\[`([^`]+)`\\]\\(\\.\\./([^)]+)\\).*\\|$").FindAllStringSubmatch(page, -1)
	if len(changes) < 20 {
		t.Errorf("docs/architecture.md leads to the files of %d changes, want at least 20", len(changes))
	}
	for _, change := range changes {
		if change[1] != change[2] {
			t.Errorf("docs/architecture.md says %s and links to %s", change[1], change[2])
		}
	}
}

// packageFolders returns the folders of all modules that have Go files beside
// tests.
func packageFolders(t *testing.T) []string {
	t.Helper()
	var dirs []string
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			base := path.Base(name)
			if base == "testdata" || base == "node_modules" || base[0] == '.' && name != "." {
				return fs.SkipDir
			}
		case strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go"):
			if dir := path.Dir(name); !slices.Contains(dirs, dir) {
				dirs = append(dirs, dir)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

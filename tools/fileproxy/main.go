// Fileproxy writes the committed state of every module of the repository into a
// module proxy in a folder, so that a test can install them like a user:
//
//	fileproxy REPOSITORY FOLDER VERSION
//
// It prints the path of each module. All modules get the same version.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: fileproxy REPOSITORY FOLDER VERSION")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "fileproxy:", err)
		os.Exit(1)
	}
}

func run(repository, folder, version string) error {
	out, err := exec.Command("git", "-C", repository, "ls-files", "go.mod", "*/go.mod").Output()
	if err != nil {
		return fmt.Errorf("git ls-files: %w", err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		if strings.Contains(lines.Text(), "/testdata/") {
			continue // not a module of this project
		}
		if err := write(repository, path.Dir(lines.Text()), folder, version); err != nil {
			return err
		}
	}
	return nil
}

// write adds one module to the proxy in the layout of the module proxy protocol.
func write(repository, dir, folder, version string) error {
	mod, err := os.ReadFile(filepath.Join(repository, dir, "go.mod"))
	if err != nil {
		return err
	}
	m := module.Version{Path: modfile.ModulePath(mod), Version: version}
	at := filepath.Join(folder, m.Path, "@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		return err
	}
	var archive bytes.Buffer
	subdir := dir
	if dir == "." {
		subdir = ""
	}
	if err := zip.CreateFromVCS(&archive, m, repository, "HEAD", subdir); err != nil {
		return fmt.Errorf("%s: %w", m.Path, err)
	}
	info := fmt.Sprintf(`{"Version":%q,"Time":%q}`, version, time.Now().UTC().Format(time.RFC3339))
	for name, content := range map[string][]byte{
		"list":            []byte(version + "\n"),
		version + ".info": []byte(info),
		version + ".mod":  mod,
		version + ".zip":  archive.Bytes(),
	} {
		if err := os.WriteFile(filepath.Join(at, name), content, 0o644); err != nil {
			return err
		}
	}
	fmt.Println(m.Path)
	return nil
}

package modules

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/module"
)

// Proxy writes the last commit of every module into a folder, in the layout of the
// module proxy protocol.
func Proxy(repository, folder, version string) error {
	all, err := List(repository)
	if err != nil {
		return err
	}
	for _, m := range all {
		if err := publish(repository, m, folder, version); err != nil {
			return fmt.Errorf("%s: %w", m.Path(), err)
		}
	}
	return nil
}

func publish(repository string, m Module, folder, version string) error {
	mod, err := os.ReadFile(filepath.Join(repository, m.Dir, "go.mod"))
	if err != nil {
		return err
	}
	at := filepath.Join(folder, m.Path(), "@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		return err
	}
	var archive bytes.Buffer
	if err := Archive(&archive, repository, m.Dir, module.Version{Path: m.Path(), Version: version}); err != nil {
		return err
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
	return nil
}

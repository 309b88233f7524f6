package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// artefacts writes the files of the release: the source, a bill of materials of
// each module, the checksums of the modules, and the checksums of these files.
func (r *release) artefacts() error {
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	files := map[string][]byte{}
	source, err := r.source()
	if err != nil {
		return err
	}
	names := []string{"bearerkit-" + r.version + ".tar.gz"}
	files[names[0]] = source
	var sums []string
	for _, m := range r.released {
		lines, err := r.checksums(m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.Path(), err)
		}
		sums = append(sums, lines...)
	}
	names = append(names, "modules.sum")
	files["modules.sum"] = []byte(strings.Join(sums, "\n") + "\n")
	boms, err := r.bills()
	if err != nil {
		return err
	}
	for _, m := range r.released {
		name := billName(m)
		names = append(names, name)
		files[name] = boms[name]
	}
	var list bytes.Buffer
	for _, name := range names {
		fmt.Fprintf(&list, "%x  %s\n", sha256.Sum256(files[name]), name)
	}
	files["SHA256SUMS"] = list.Bytes()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(r.out, name), content, 0o644); err != nil {
			return err
		}
	}
	fmt.Fprintf(r.log, "%s\nThe files are in %s.\n", list.String(), r.out)
	return nil
}

// source archives the last commit. gzip -n leaves out the time.
func (r *release) source() ([]byte, error) {
	tar, err := r.clone.read("archive", "--format=tar", "--prefix=bearerkit-"+r.version+"/", "HEAD")
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("gzip", "-n", "-9")
	cmd.Stdin = strings.NewReader(tar)
	cmd.Stderr = os.Stderr
	return cmd.Output()
}

package modules

import (
	"io"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// Archive writes the archive of a module as the go command downloads it from the
// last commit of a repository.
func Archive(w io.Writer, repository, dir string, m module.Version) error {
	if dir == "." {
		dir = "" // the root's archive has no prefix
	}
	return zip.CreateFromVCS(w, m, repository, "HEAD", dir)
}

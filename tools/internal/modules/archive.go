package modules

import (
	archive "archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// Archive writes the archive of a module as the go command downloads it from the
// last commit of a repository. A module without a LICENSE gets the repository's.
func Archive(w io.Writer, repository, dir string, m module.Version) error {
	subdir := dir
	if dir == "." {
		subdir = ""
	}
	var plain bytes.Buffer
	if err := zip.CreateFromVCS(&plain, m, repository, "HEAD", subdir); err != nil {
		return err
	}
	files, err := entries(plain.Bytes(), m)
	if err != nil {
		return err
	}
	for _, f := range files {
		if f.Path() == licence {
			_, err := w.Write(plain.Bytes())
			return err
		}
	}
	return zip.Create(w, m, append(files, added{filepath.Join(repository, licence)}))
}

const licence = "LICENSE"

func entries(content []byte, m module.Version) ([]zip.File, error) {
	r, err := archive.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, err
	}
	var files []zip.File
	for _, f := range r.File {
		files = append(files, entry{f, strings.TrimPrefix(f.Name, m.Path+"@"+m.Version+"/")})
	}
	return files, nil
}

// entry is a file of an archive, as a file of another one.
type entry struct {
	file *archive.File
	path string
}

func (e entry) Path() string                 { return e.path }
func (e entry) Lstat() (os.FileInfo, error)  { return e.file.FileInfo(), nil }
func (e entry) Open() (io.ReadCloser, error) { return e.file.Open() }

// added is the repository's licence, as a file of a module.
type added struct{ name string }

func (added) Path() string                   { return licence }
func (a added) Lstat() (os.FileInfo, error)  { return os.Lstat(a.name) }
func (a added) Open() (io.ReadCloser, error) { return os.Open(a.name) }

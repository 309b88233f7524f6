package keysource

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/jose"
)

// filePause is how often a file is read. Changes are detected by the content and
// not by the modification time, because Kubernetes replaces a file by changing a
// symbolic link, and clocks of file systems are coarse.
const filePause = 2 * time.Second

// file reads an issuer's keys from a file. Source.turn guards it.
type file struct {
	path  string
	count func(func(*Stats))
	last  []byte // the content that was delivered last
}

// fetch reads the file. It ignores the context, since reading a regular file does
// not hang.
func (f *file) fetch(context.Context) (delivery, error) {
	d := delivery{at: time.Now(), fresh: filePause}
	content, err := readFile(f.path)
	if err == nil && f.last != nil && bytes.Equal(content, f.last) {
		d.same = true
		return d, nil
	}
	f.count(func(s *Stats) { s.Fetches++ })
	if err == nil {
		d.set, err = parseFile(content)
	}
	if err != nil {
		err = &fileError{f.path, err}
	} else if len(d.set.Keys) == 0 {
		err = errNoUsable
	}
	if err != nil {
		f.count(func(s *Stats) { s.Failures++ })
		if err == errNoUsable { // an empty set replaces the last one
			f.last = nil
		}
		return d, err
	}
	f.last = content
	return d, nil
}

// CheckFile returns an error if a file has no usable key.
func CheckFile(path string) error {
	f := file{path: path, count: func(func(*Stats)) {}}
	d, err := f.fetch(context.Background())
	if err == errNoUsable {
		errs := []error{&fileError{path, errors.New("no usable key")}}
		for _, skipped := range d.set.Skipped {
			errs = append(errs, fmt.Errorf("key %d %q: %s", skipped.Index, skipped.ID, skipped.Reason))
		}
		err = errors.Join(errs...)
	}
	return err
}

// readFile reads a file of up to [fetch.MaxBody] bytes.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // reading a pipe would wait for its writer
		return nil, errors.New("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, fetch.MaxBody+1))
	if err != nil {
		return nil, err
	}
	if len(content) > fetch.MaxBody {
		return nil, fmt.Errorf("larger than %d bytes", fetch.MaxBody)
	}
	return content, nil
}

// parseFile reads a JWK set, or PEM.
func parseFile(content []byte) (jose.KeySet, error) {
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	text := bytes.TrimSpace(content)
	switch {
	case len(text) == 0:
		return jose.KeySet{}, errors.New("it is empty, want a JWK set or PEM")
	case text[0] == '{':
		return jose.ParseKeySet(content)
	}
	keys, err := jose.ParsePEM(content)
	return jose.KeySet{Keys: keys}, err
}

// fileError is the error of a file, with its path.
type fileError struct {
	path string
	err  error
}

func (e *fileError) Error() string {
	if path, ok := errors.AsType[*os.PathError](e.err); ok {
		return fmt.Sprintf("%s: %v", e.path, path.Err)
	}
	return fmt.Sprintf("%s: %v", e.path, e.err)
}

func (e *fileError) Unwrap() error { return e.err }

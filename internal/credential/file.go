// Package credential creates and reads what a client needs for bound tokens: keys
// for DPoP proofs, and client certificates.
package credential

import (
	"errors"
	"os"
)

// writeNew writes a new file that only its owner may read. It does not overwrite
// a file.
func writeNew(file string, data []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

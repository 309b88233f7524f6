package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/usage"
	"github.com/bearerkit/bearerkit/internal/credential"
)

// Certificate makes a self-signed client certificate (RFC 8705, Section 2.2) and
// its key. It writes the thumbprint that binds tokens to the certificate to
// stdout.
func Certificate(args []string, stdout io.Writer) error {
	var dir, name string
	flags := usage.NewFlagSet("protectedapi certificate")
	flags.StringVar(&dir, "out", "", "`directory` for NAME.pem and NAME-key.pem, which must not exist yet")
	flags.StringVar(&name, "name", "client", "`name` of the client, and of the files")
	if err := parse(flags, args, "protectedapi certificate -out DIRECTORY [-name NAME]", stdout); err != nil {
		return err
	}
	var errs []error
	if dir == "" {
		errs = append(errs, errors.New("no -out; want a directory"))
	}
	if name == "" || name != filepath.Base(name) || name == "." || name == ".." {
		errs = append(errs, fmt.Errorf("-name %q; want one that can be a file's", name))
	}
	if errs != nil {
		return usage.Mark(errors.Join(errs...))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	made, err := credential.NewCertificate(dir, name, nil)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, "x5t#S256 "+made.Thumbprint())
	return err
}

package devissuer

import (
	"net"
	"os"
	"path/filepath"

	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/internal/credential"
)

// Files are the keys and certificates of the demonstration, in a directory that
// Close removes.
type Files struct {
	Key           string // file of the key that signs proofs
	JKT           string // its thumbprint (RFC 9449, Section 6.1)
	Client, Other *credential.Certificate
	Server        *credential.Certificate
	dir           string
}

func newFiles(listen string) (f *Files, err error) {
	f = &Files{}
	if f.dir, err = os.MkdirTemp("", "protectedapi-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(f.dir)
		}
	}()
	f.Key = filepath.Join(f.dir, "dpop-key.pem")
	key, err := credential.NewKey(f.Key)
	if err != nil {
		return nil, err
	}
	if f.JKT, err = dpop.Thumbprint(key.Public()); err != nil {
		return nil, err
	}
	host, _, _ := net.SplitHostPort(listen) // the flags' check has split it before
	for _, c := range []struct {
		certificate **credential.Certificate
		name        string
		hosts       []string
	}{
		{&f.Client, "client", nil}, {&f.Other, "other", nil},
		{&f.Server, "server", []string{"127.0.0.1", "::1", "localhost", host}},
	} {
		if *c.certificate, err = credential.NewCertificate(f.dir, c.name, c.hosts); err != nil {
			return nil, err
		}
	}
	return f, nil
}

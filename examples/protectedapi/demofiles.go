package main

import (
	"net"
	"os"
	"path/filepath"

	"github.com/bearerkit/bearerkit/dpop"
)

// demoFiles are what clients of -dev need to prove who they are, in a directory
// that ends with the program.
type demoFiles struct {
	dir           string
	key           string // file of the key of proofs
	jkt           string // its thumbprint
	client, other *certificate
	server        *certificate
}

// newDemoFiles makes them, for a program that listens on that loopback address.
func newDemoFiles(listen string) (f *demoFiles, err error) {
	f = &demoFiles{}
	if f.dir, err = os.MkdirTemp("", "protectedapi-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(f.dir)
		}
	}()
	f.key = filepath.Join(f.dir, "dpop-key.pem")
	key, err := newKeyFile(f.key)
	if err != nil {
		return nil, err
	}
	if f.jkt, err = dpop.Thumbprint(key.Public()); err != nil {
		return nil, err
	}
	host, _, _ := net.SplitHostPort(listen) // check did so before
	for _, c := range []struct {
		certificate **certificate
		name        string
		hosts       []string
	}{
		{&f.client, "client", nil}, {&f.other, "other", nil},
		{&f.server, "server", []string{"127.0.0.1", "::1", "localhost", host}},
	} {
		if *c.certificate, err = newCertificate(f.dir, c.name, c.hosts); err != nil {
			return nil, err
		}
	}
	return f, nil
}

package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"
)

// runCertificate is the command certificate: it makes a self-signed client
// certificate (RFC 8705, Section 2.2) and its key, and writes the thumbprint
// that binds tokens to it.
func runCertificate(args []string, stdout io.Writer) error {
	var dir, name string
	flags := flag.NewFlagSet("protectedapi certificate", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	flags.StringVar(&dir, "out", "", "`directory` for NAME.pem and NAME-key.pem, which must not be there")
	flags.StringVar(&name, "name", "client", "`name` of the client, and of the files")
	if err := parseCommand(flags, args, "protectedapi certificate -out DIRECTORY [-name NAME]", stdout); err != nil {
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
		return &usageError{errors.Join(errs...)}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	made, err := newCertificate(dir, name, nil)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, "x5t#S256 "+made.thumbprint())
	return err
}

// certificate is a self-signed certificate, and its files.
type certificate struct {
	file, keyFile string
	der           []byte
	key           crypto.Signer
}

// newCertificate makes a certificate and its files: a client's, or that of a
// server with these hosts.
func newCertificate(dir, name string, hosts []string) (*certificate, error) {
	c := &certificate{file: filepath.Join(dir, name+".pem"), keyFile: filepath.Join(dir, name+"-key.pem")}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	c.key = key
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Now().Add(-time.Hour), // for clocks that differ
		NotAfter:              time.Now().AddDate(0, 1, 0),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	if hosts != nil {
		template.ExtKeyUsage[0] = x509.ExtKeyUsageServerAuth
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	if c.der, err = x509.CreateCertificate(rand.Reader, template, template, key.Public(), key); err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	if err := writeNew(c.keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})); err != nil {
		return nil, err
	}
	if err := writeNew(c.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.der})); err != nil {
		return nil, errors.Join(err, os.Remove(c.keyFile)) // which is nobody's
	}
	return c, nil
}

// thumbprint is the x5t#S256 of tokens that are bound to the certificate (RFC
// 8705, Section 3.1).
func (c *certificate) thumbprint() string {
	sum := sha256.Sum256(c.der)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// forServer is the certificate as a server has it.
func (c *certificate) forServer() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{c.der}, PrivateKey: c.key}
}

package credential

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
	"net"
	"os"
	"path/filepath"
	"time"
)

// Certificate is a self-signed certificate, its key and the files of both.
type Certificate struct {
	File, KeyFile string
	DER           []byte
	key           crypto.Signer
}

// NewCertificate makes a certificate, and writes NAME.pem and NAME-key.pem. With
// hosts it is a server's certificate, and a client's otherwise.
func NewCertificate(dir, name string, hosts []string) (*Certificate, error) {
	c := &Certificate{File: filepath.Join(dir, name+".pem"), KeyFile: filepath.Join(dir, name+"-key.pem")}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	c.key = key
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Now().Add(-time.Hour), // clocks differ
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
	if c.DER, err = x509.CreateCertificate(rand.Reader, template, template, key.Public(), key); err != nil {
		return nil, err
	}
	secret, err := encodeKey(key)
	if err != nil {
		return nil, err
	}
	if err := writeNew(c.KeyFile, secret); err != nil {
		return nil, err
	}
	if err := writeNew(c.File, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.DER})); err != nil {
		return nil, errors.Join(err, os.Remove(c.KeyFile)) // a key without a certificate
	}
	return c, nil
}

// Thumbprint returns the x5t#S256 of tokens that are bound to the certificate
// (RFC 8705, Section 3.1).
func (c *Certificate) Thumbprint() string {
	sum := sha256.Sum256(c.DER)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// TLS returns the certificate and its key, for a server.
func (c *Certificate) TLS() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{c.DER}, PrivateKey: c.key}
}

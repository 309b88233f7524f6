package redistest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

func (s *Server) makeCertificate() {
	s.t.Helper()
	check := func(err error) {
		if err != nil {
			s.t.Fatal(err)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	check(err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	check(err)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	check(os.WriteFile(filepath.Join(s.dir, "cert.pem"), certificate, 0o600))
	check(os.WriteFile(filepath.Join(s.dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	s.roots = x509.NewCertPool()
	s.roots.AppendCertsFromPEM(certificate)
}

func (s *Server) copyCertificate(from *Server) {
	s.t.Helper()
	for _, name := range []string{"cert.pem", "key.pem"} {
		data, err := os.ReadFile(filepath.Join(from.dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(s.dir, name), data, 0o600)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	s.roots = from.roots
}

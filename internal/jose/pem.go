package jose

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// ParsePEM reads one or more public keys in PEM: PUBLIC KEY, RSA PUBLIC KEY and
// CERTIFICATE blocks, with only white space around them. The keys have no ID.
// Only the key of a certificate is used; its issuer and its validity are
// ignored. A private key is an error that says so.
func ParsePEM(data []byte) ([]*Key, error) {
	var keys []*Key
	for rest := bytes.TrimSpace(data); len(rest) > 0; rest = bytes.TrimSpace(rest) {
		// pem.Decode skips text and blocks that it cannot read. Here each block
		// must begin where the last one ended. Without a block, nothing is read.
		block, after := pem.Decode(rest)
		read := rest[:len(rest)-len(after)]
		switch {
		case !bytes.HasPrefix(read, []byte("-----BEGIN ")), bytes.Count(read, []byte("-----BEGIN ")) != 1:
			return nil, errors.New("jose: PEM: text outside of PEM blocks; want PEM blocks only")
		case len(block.Headers) > 0:
			return nil, errors.New("jose: PEM: a block with headers (RFC 7468, Section 2)")
		}
		key, err := keyOfBlock(block)
		if err != nil {
			return nil, fmt.Errorf("jose: PEM: block %d: %w", len(keys)+1, err)
		}
		keys = append(keys, key)
		rest = after
	}
	if len(keys) == 0 {
		return nil, errors.New("jose: PEM: no block; want a public key or a certificate")
	}
	return keys, nil
}

func keyOfBlock(block *pem.Block) (*Key, error) {
	var public crypto.PublicKey
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		public, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		public, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		var certificate *x509.Certificate
		if certificate, err = x509.ParseCertificate(block.Bytes); err == nil {
			public = certificate.PublicKey
		}
	default:
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			return nil, errors.New("a private key; want a public key")
		}
		return nil, fmt.Errorf("type %q; want PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE", Printable(block.Type))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", block.Type, err)
	}
	return keyOf(public, nil)
}

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

// ParsePEM reads one or more public keys in PEM: PUBLIC KEY, RSA PUBLIC KEY
// and CERTIFICATE blocks, with nothing but white space around them. The keys
// have no ID. Of a certificate only the key is read: who issued it, and until
// when, is not looked at. A private key is an error that says so.
func ParsePEM(data []byte) ([]*Key, error) {
	var keys []*Key
	for rest := bytes.TrimSpace(data); len(rest) > 0; rest = bytes.TrimSpace(rest) {
		// pem.Decode jumps over text and over blocks that it cannot read; here
		// each block must begin where the one before it ended.
		block, after := pem.Decode(rest)
		read := rest[:len(rest)-len(after)]
		switch {
		case block == nil, !bytes.HasPrefix(read, []byte("-----BEGIN ")), bytes.Count(read, []byte("-----BEGIN ")) != 1:
			return nil, errors.New("jose: PEM: something other than PEM blocks")
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
		return nil, errors.New("jose: PEM: no block")
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
			return nil, errors.New("a private key, where a public one belongs")
		}
		return nil, fmt.Errorf("type %q, PUBLIC KEY, RSA PUBLIC KEY and CERTIFICATE are accepted", Printable(block.Type))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", block.Type, err)
	}
	return keyOf(public, nil)
}

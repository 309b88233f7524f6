package credential

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
)

// Key reads a private key in PEM. If there is no such file, Key makes a new key
// and writes the file.
func Key(file string) (signer crypto.Signer, made bool, err error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		signer, err = NewKey(file)
		return signer, true, err
	}
	if err != nil {
		return nil, false, err
	}
	signer, err = parseKey(data)
	return signer, false, err
}

// NewKey makes an EC key, and writes it to a new file.
func NewKey(file string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := encodeKey(key)
	if err != nil {
		return nil, err
	}
	return key, writeNew(file, block)
}

func encodeKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// parseKey reads the first private key in PEM. Some of OpenSSL's files begin
// with another block.
func parseKey(data []byte) (crypto.Signer, error) {
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return nil, errors.New("no private key in PEM that is not encrypted")
		}
		var key any
		var err error
		switch data = rest; block.Type {
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		default:
			continue
		}
		if signer, ok := key.(crypto.Signer); ok && err == nil && Algorithm(signer) != "" {
			return signer, nil
		}
		return nil, errors.New("a private key that cannot be used; want EC (P-256, P-384), RSA or Ed25519")
	}
}

// Algorithm returns the JWS algorithm (RFC 7518, Section 3.1) with which a key
// signs proofs, or the empty string if the API accepts no proofs by such a key.
func Algorithm(signer crypto.Signer) string {
	switch public := signer.Public().(type) {
	case *ecdsa.PublicKey:
		switch public.Curve {
		case elliptic.P256():
			return "ES256"
		case elliptic.P384():
			return "ES384"
		}
	case *rsa.PublicKey:
		return "PS256"
	case ed25519.PublicKey:
		return "EdDSA"
	}
	return ""
}

package main

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
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/bearerkit/bearerkit/dpop"
)

// runProof is the command proof: it writes a DPoP proof (RFC 9449, Section 4.2)
// for one request, for shells and their curl.
func runProof(args []string, stdout, stderr io.Writer) error {
	var key, method, url, token, nonce string
	flags := flag.NewFlagSet("protectedapi proof", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	flags.StringVar(&key, "key", "", "`file` of the private key, PEM; it is made if there is none")
	flags.StringVar(&method, "method", "GET", "`method` of the request")
	flags.StringVar(&url, "url", "", "`URL` of the request, as the API calls itself")
	flags.StringVar(&token, "token", "", "access `token` that goes with the request (default: none, for a token endpoint)")
	flags.StringVar(&nonce, "nonce", "", "`nonce` that the server gave last in DPoP-Nonce (default: none)")
	if err := parseCommand(flags, args, "protectedapi proof -key FILE -url URL [flags]", stdout); err != nil {
		return err
	}
	var errs []error
	if key == "" {
		errs = append(errs, errors.New("no -key; want the file of the private key"))
	}
	if url == "" {
		errs = append(errs, errors.New("no -url; want that of the request"))
	}
	if method == "" {
		errs = append(errs, errors.New("-method is empty"))
	}
	if errs != nil {
		return &usageError{errors.Join(errs...)}
	}
	signer, made, err := proofKey(key)
	if err != nil {
		return usage("-key: %w", err)
	}
	if made {
		_, _ = fmt.Fprintf(stderr, "protectedapi: made a new key in %q\n", key)
	}
	proof, err := dpop.NewProof(dpop.ProofConfig{Key: signer, Algorithm: algorithmOf(signer), Method: method, URL: url, AccessToken: token, Nonce: nonce})
	if err != nil {
		return usage("-url, -method and -nonce: %w", err)
	}
	_, err = fmt.Fprintln(stdout, proof)
	return err
}

// parseCommand parses the flags of a command.
func parseCommand(flags *flag.FlagSet, args []string, synopsis string, stdout io.Writer) error {
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = fmt.Fprintln(stdout, "usage: "+synopsis)
		flags.SetOutput(stdout)
		flags.PrintDefaults()
		return err
	case err != nil:
		return &usageError{err}
	case flags.NArg() > 0:
		return &usageError{errNotQuoted}
	}
	return nil
}

// proofKey reads a private key, or makes one and its file.
func proofKey(file string) (signer crypto.Signer, made bool, err error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		signer, err = newKeyFile(file)
		return signer, true, err
	}
	if err != nil {
		return nil, false, err
	}
	signer, err = parseKey(data)
	return signer, false, err
}

// newKeyFile makes an EC key, and a file of it that was not there before.
func newKeyFile(file string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, writeNew(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// writeNew writes a file that was not there before, for its owner alone.
func writeNew(file string, data []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// parseKey reads the first private key in PEM, as OpenSSL writes them: some
// begin with another block.
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
		if signer, ok := key.(crypto.Signer); ok && err == nil && algorithmOf(signer) != "" {
			return signer, nil
		}
		return nil, errors.New("a private key that cannot be used; want EC (P-256, P-384), RSA or Ed25519")
	}
}

// algorithmOf returns the algorithm by which a key signs proofs that the API
// takes, or the empty string.
func algorithmOf(signer crypto.Signer) string {
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

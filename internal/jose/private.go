package jose

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

// PrivateKey is a key that a client authenticates with (RFC 7523).
type PrivateKey struct {
	signer    crypto.Signer
	id        string
	algorithm Algorithm
}

// ParsePrivateKey reads a private key: one PEM block of PKCS #8, PKCS #1 or SEC
// 1, or a private JWK with its kid and alg. The same rules apply as for public
// keys. Errors do not quote the key.
func ParsePrivateKey(data []byte) (*PrivateKey, error) {
	data = bytes.TrimSpace(data)
	var raw any
	var k PrivateKey
	var err error
	if bytes.HasPrefix(data, []byte("{")) {
		raw, err = k.readJWK(data)
	} else {
		raw, err = readPrivatePEM(data)
	}
	if err != nil {
		return nil, fmt.Errorf("jose: private key: %w", err)
	}
	signer, ok := raw.(crypto.Signer)
	if !ok {
		return nil, errors.New("jose: private key: a public key or a secret; want a private RSA, EC or Ed25519 key")
	}
	public, err := NewKey(signer.Public(), k.id)
	if err != nil {
		return nil, err
	}
	if k.algorithm == "" {
		k.algorithm = public.algs[0]
	}
	if !public.Can(k.algorithm) {
		return nil, fmt.Errorf("jose: private key: alg %q does not fit its type", string(k.algorithm))
	}
	k.signer = signer
	if err := k.test(public); err != nil {
		return nil, err
	}
	return &k, nil
}

// test signs once, to report a private key that does not match its public key now
// and not when the server rejects a signature.
func (k *PrivateKey) test(public *Key) error {
	token, err := k.Sign([]byte(`{"alg":"`+string(k.algorithm)+`"}`), []byte("{}"))
	if err != nil {
		return errors.New("jose: private key: signing fails")
	}
	jws, err := Parse(token)
	if err != nil {
		return err
	}
	if public.Verify(k.algorithm, jws.SigningInput, jws.Signature) != nil {
		return errors.New("jose: private key: it does not match its public key")
	}
	return nil
}

func (k *PrivateKey) readJWK(data []byte) (any, error) {
	m, err := readJWK(data)
	if err != nil {
		return nil, fmt.Errorf("JWK: %w", err)
	}
	if m.hasUse && m.use != "sig" || len(m.keyOps) > 0 && !slices.Contains(m.keyOps, "sign") {
		return nil, errors.New("JWK: use or key_ops does not permit signatures")
	}
	k.id, k.algorithm = m.kid, Algorithm(m.alg)
	key, err := jwk.ParseKey(data)
	if err != nil {
		return nil, errors.New("JWK: not a private key") // jwx may quote it
	}
	var raw any
	if err := key.Raw(&raw); err != nil {
		return nil, errors.New("JWK: not a private key")
	}
	return raw, nil
}

func readPrivatePEM(data []byte) (any, error) {
	block, rest := pem.Decode(data)
	switch {
	case block == nil:
		return nil, errors.New("neither a JWK nor PEM")
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, errors.New("more than one PEM block")
	}
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("a PEM block of type %.40q, want a PRIVATE KEY that is not encrypted", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("the PEM block %s cannot be read", block.Type)
	}
	return key, nil
}

// ID returns the kid of a JWK, or the empty string.
func (k *PrivateKey) ID() string { return k.id }

// Algorithm returns the algorithm that the key signs with.
func (k *PrivateKey) Algorithm() Algorithm { return k.algorithm }

// Sign returns header and payload as a JWS in compact serialization.
func (k *PrivateKey) Sign(header, payload []byte) (string, error) {
	return Sign(k.signer, k.algorithm, header, payload)
}

// Secret returns bytes that only a holder of the key can compute. They are the
// same each time. Use them only to derive symmetric keys.
func (k *PrivateKey) Secret() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.signer)
	if err != nil {
		return nil, errors.New("jose: private key: it cannot be encoded")
	}
	return der, nil
}

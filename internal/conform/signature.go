package conform

import (
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// spoil changes a signature: empty, zeros, flip, short, long, der, trailing (bits
// that base64url does not use), order (r and s are the order of the curve), max (all
// bits set).
func spoil(how, alg, signature string) (string, error) {
	raw, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil {
		return "", err
	}
	switch how {
	case "":
		return signature, nil
	case "empty":
		return "", nil
	case "zeros":
		return encode(make([]byte, len(raw))), nil
	case "flip":
		raw[len(raw)/2] ^= 1
	case "short":
		raw = raw[:len(raw)-1]
	case "long":
		raw = append(raw, 0)
	case "max":
		for i := range raw {
			raw[i] = 0xff
		}
	case "trailing":
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		last := strings.IndexByte(alphabet, signature[len(signature)-1])
		return signature[:len(signature)-1] + alphabet[last|1:last|1+1], nil
	case "der":
		half := len(raw) / 2
		raw, err = asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(raw[:half]), new(big.Int).SetBytes(raw[half:])})
		if err != nil {
			return "", err
		}
	case "order":
		half := len(raw) / 2
		curve := map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}[alg]
		if curve == nil {
			return "", fmt.Errorf("signature %q needs an algorithm of a curve, not %q", how, alg)
		}
		curve.Params().N.FillBytes(raw[:half])
		curve.Params().N.FillBytes(raw[half:])
	default:
		return "", fmt.Errorf("unknown signature %q", how)
	}
	return encode(raw), nil
}

// secret returns the issuer's public RSA key as bytes that a confused API may use
// as an HMAC secret.
func (m *maker) secret(form string) ([]byte, error) {
	_, jwk, err := m.issuer.Key(string(jose.RS256))
	if err != nil {
		return nil, err
	}
	public, err := rsaKey(jwk)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	switch form {
	case "pem":
		return text, nil
	case "pem-trimmed":
		return []byte(strings.TrimSpace(string(text))), nil
	case "pem-pkcs1":
		return pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(public)}), nil
	case "der":
		return der, nil
	case "jwk":
		return jwk, nil
	case "modulus":
		return public.N.Bytes(), nil
	case "modulus-text":
		return []byte(encode(public.N.Bytes())), nil
	case "empty":
		return nil, nil
	}
	return nil, unknownKey("hmac-" + form)
}

// rsaKey reads n and e of a JWK.
func rsaKey(jwk []byte) (*rsa.PublicKey, error) {
	members, err := texts(jwk)
	if err != nil {
		return nil, err
	}
	n, err := base64.RawURLEncoding.DecodeString(members["n"])
	if err != nil {
		return nil, err
	}
	e, err := base64.RawURLEncoding.DecodeString(members["e"])
	if err != nil {
		return nil, err
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}, nil
}

package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/asn1"
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

// MarshalKey returns public as a JWK with `use` sig, and with `kid` and `alg`
// unless they are empty. It checks nothing, because the test kit also publishes
// weak and inconsistent keys.
func MarshalKey(public crypto.PublicKey, id string, alg Algorithm) ([]byte, error) {
	key, err := jwk.FromRaw(public)
	if err != nil {
		return nil, fmt.Errorf("jose: %w", err)
	}
	members := []struct{ name, value string }{
		{jwk.KeyUsageKey, "sig"}, {jwk.KeyIDKey, id}, {jwk.AlgorithmKey, string(alg)},
	}
	for _, m := range members {
		if m.value == "" {
			continue
		}
		if err := key.Set(m.name, m.value); err != nil {
			return nil, fmt.Errorf("jose: %w", err)
		}
	}
	return json.Marshal(key)
}

// Sign returns header and payload as a JWS in compact serialization, signed by
// private with alg. It checks nothing, because the test kit also forges tokens:
// header may be any JSON and may contradict alg, and an EC key's curve may not
// fit alg.
func Sign(private crypto.Signer, alg Algorithm, header []byte, payload []byte) (string, error) {
	input := base64url.EncodeToString(header) + "." + base64url.EncodeToString(payload)
	message, opts, err := toSign(private, alg, input)
	if err != nil {
		return "", err
	}
	signature, err := private.Sign(rand.Reader, message, opts)
	if err != nil {
		return "", fmt.Errorf("jose: sign %s: %w", alg, err)
	}
	if public, ok := private.Public().(*ecdsa.PublicKey); ok {
		if signature, err = concatenated(public, signature); err != nil {
			return "", fmt.Errorf("jose: sign %s: %w", alg, err)
		}
	}
	return input + "." + base64url.EncodeToString(signature), nil
}

// toSign returns the bytes to pass to a signer for alg.
func toSign(private crypto.Signer, alg Algorithm, input string) ([]byte, crypto.SignerOpts, error) {
	fits := false
	var opts crypto.SignerOpts = alg.hash()
	message := alg.digest([]byte(input))
	switch private.Public().(type) {
	case *rsa.PublicKey:
		switch alg {
		case RS256, RS384, RS512:
			fits = true
		case PS256, PS384, PS512:
			fits = true
			opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: alg.hash()}
		}
	case *ecdsa.PublicKey:
		fits = alg == ES256 || alg == ES384 || alg == ES512
	case ed25519.PublicKey:
		fits = alg == EdDSA || alg == Ed25519
		message = []byte(input)
	}
	if !fits {
		return nil, nil, fmt.Errorf("jose: a %T cannot sign %q", private.Public(), string(alg))
	}
	return message, opts, nil
}

// concatenated converts an ECDSA signature from DER, as signers return it, to
// the form of a JWS (RFC 7518, Section 3.4).
func concatenated(public *ecdsa.PublicKey, der []byte) ([]byte, error) {
	var pair struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &pair); err != nil {
		return nil, err
	}
	size := (public.Params().BitSize + 7) / 8
	signature := make([]byte, 2*size)
	pair.R.FillBytes(signature[:size])
	pair.S.FillBytes(signature[size:])
	return signature, nil
}
